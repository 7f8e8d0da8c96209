// KV for a peer that cannot do without: a Map in the isolate, which is less than the real one does for each call.
const values = new Map<string, string>();

export default {
  fetch: async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const key = decodeURIComponent(pathname.slice(1));
    if (request.method === "PUT") values.set(key, await request.text());
    else if (request.method === "DELETE") values.delete(key);
    else if (key === "") {
      const prefix = searchParams.get("prefix") ?? "";
      return Response.json({ keys: [...values.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name })), list_complete: true });
    } else {
      const value = values.get(key);
      return value === undefined ? new Response(null, { status: 404 }) : new Response(value);
    }
    return new Response(null, { status: 200 });
  },
} satisfies ExportedHandler;

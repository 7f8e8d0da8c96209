import type { Route, TenantEndpoint } from "../index.ts";
import type { KeyAction } from "./keys.ts";
import type { Decision } from "./permissions.ts";

// Few requests come here: what answers them is evaluated with the first one.
const clients = () => import("./clients.ts");
const families = () => import("./families.ts");
const keys = () => import("./keys.ts");
const permissions = () => import("./permissions.ts");
const users = () => import("./users.ts");

const decision = (name: Decision): Route<TenantEndpoint> => ({
  paths: [`/api/v1/permissions/:consumer/:provider/${name}`],
  methods: { POST: async (exchange, parameters) => (await permissions()).decidePermission(exchange, name, parameters) },
});

const keyAction = (action: KeyAction): Route<TenantEndpoint> => ({
  paths: [`/api/v1/keys/:kind/:number/${action}`],
  methods: { POST: async (exchange, parameters) => (await keys()).changeKey(exchange, action, parameters) },
});

/** The JSON API of a tenant, for operators and for clients on their own side. Beside it: `/api/v1/tenant`, which needs no tenant. */
export const API_ROUTES: readonly Route<TenantEndpoint>[] = [
  {
    paths: ["/api/v1/permissions"],
    methods: {
      GET: async (exchange) => (await permissions()).listPermissions(exchange),
      POST: async (exchange) => (await permissions()).requestPermission(exchange),
    },
  },
  decision("grant"),
  decision("deny"),
  decision("withdraw"),
  { paths: ["/api/v1/families/lookup"], methods: { POST: async (exchange) => (await families()).lookUpFamily(exchange) } },
  { paths: ["/api/v1/families/:id"], methods: { GET: async (exchange, { id = "" }) => (await families()).readFamily(exchange, id) } },
  { paths: ["/api/v1/families/:id/revoke"], methods: { POST: async (exchange, { id = "" }) => (await families()).revokeFamily(exchange, id) } },
  { paths: ["/api/v1/users/:id/revoke"], methods: { POST: async (exchange, { id = "" }) => (await users()).revokeUser(exchange, id) } },
  { paths: ["/api/v1/keys"], methods: { GET: async (exchange) => (await keys()).listKeys(exchange) } },
  { paths: ["/api/v1/keys/register"], methods: { POST: async (exchange) => (await keys()).registerKeys(exchange) } },
  keyAction("promote"),
  keyAction("retire"),
  keyAction("drop"),
  {
    paths: ["/api/v1/clients"],
    methods: { GET: async (exchange) => (await clients()).listClients(exchange), POST: async (exchange) => (await clients()).addClient(exchange) },
  },
  { paths: ["/api/v1/clients/:id"], methods: { GET: async (exchange, { id = "" }) => (await clients()).readClient(exchange, id) } },
  { paths: ["/api/v1/clients/:id/disable"], methods: { POST: async (exchange, { id = "" }) => (await clients()).switchClient(exchange, "disable", id) } },
  { paths: ["/api/v1/clients/:id/enable"], methods: { POST: async (exchange, { id = "" }) => (await clients()).switchClient(exchange, "enable", id) } },
  { paths: ["/api/v1/clients/:id/secrets"], methods: { POST: async (exchange, { id = "" }) => (await clients()).addSecret(exchange, id) } },
  {
    paths: ["/api/v1/clients/:id/secrets/:prefix"],
    methods: { DELETE: async (exchange, { id = "", prefix = "" }) => (await clients()).retireSecret(exchange, id, prefix) },
  },
  { paths: ["/api/v1/clients/:id/certificates"], methods: { POST: async (exchange, { id = "" }) => (await clients()).addCertificate(exchange, id) } },
  {
    paths: ["/api/v1/clients/:id/certificates/:prefix"],
    methods: { DELETE: async (exchange, { id = "", prefix = "" }) => (await clients()).retireCertificate(exchange, id, prefix) },
  },
];

/** The options that say what a permission permits; each may be given several times. */
export const CONTENTS_OPTIONS = {
  scope: { type: "string", multiple: true },
  api: { type: "string", multiple: true },
  "token-type": { type: "string", multiple: true },
} as const;

/** What --help says of them. */
export const CONTENTS_HELP = `  --scope SCOPE     a scope of the provider; may be repeated
  --api NAME        an API permission group of the provider; may be repeated
  --token-type TYPE access_token, refresh_token, id_token or saml2; may be repeated`;

interface ContentsValues {
  readonly scope?: readonly string[] | undefined;
  readonly api?: readonly string[] | undefined;
  readonly "token-type"?: readonly string[] | undefined;
}

/** What was said of a permission's contents, as the API takes it. */
export function readContents({ scope, api, "token-type": tokenTypes }: ContentsValues): object {
  return { ...(scope === undefined ? {} : { scopes: scope }), ...(api === undefined ? {} : { apis: api }), ...(tokenTypes === undefined ? {} : { tokenTypes }) };
}

/** Where what runs can be reached. */
export interface Places {
  readonly issuer: string;
  readonly idp: string;
  readonly partner: string;
}

/**
 * What to try next, as lines that work when pasted into bash one after another: a login as the mobile app, its
 * refresh token traded for a short opaque one, a look at that by the web app, and its end. Needs curl and node only.
 */
export function nextSteps({ issuer, idp, partner }: Places): string {
  return `
Cambio is at ${issuer}, the demo identity providers at ${idp} and ${partner}. Ctrl-C ends all.

Try, in another terminal:

${curlLines(issuer)}

Or let it be walked for you: npm run demo`;
}

/** The lines alone; each step can be pasted by itself after those before it. */
export function curlLines(issuer: string): string {
  // Nothing listens at the app's redirect URI, as on a phone without the app: curl stops there, and its address holds the code.
  return String.raw`# 1. Log in as dona.moore at the corporate identity provider, as the mobile app would in a browser (PKCE).
CAMBIO=${issuer} BACK=http://127.0.0.1:9/callback JAR=$(mktemp)
VERIFIER=$(node -p 'require("node:crypto").randomBytes(32).toString("base64url")')
CHALLENGE=$(node -p 'require("node:crypto").createHash("sha256").update(process.argv[1]).digest("base64url")' -- "$VERIFIER")
member() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' -- "$1" "$2"; }
LOGIN=$(curl -sS -L -c "$JAR" -b "$JAR" -o /dev/null -w '%{url_effective}' "$CAMBIO/oauth2/authorize?response_type=code&client_id=mobile-app&redirect_uri=$BACK&scope=openid%20profile%20email%20groups&state=1&code_challenge=$CHALLENGE&code_challenge_method=S256")
CALLBACK=$(curl -s -L -c "$JAR" -b "$JAR" -o /dev/null -w '%{url_effective}' -d login=dona.moore "$LOGIN" || true)
CODE=$(sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<< "$CALLBACK"); echo "$CALLBACK"

# 2. The code becomes tokens.
TOKENS=$(curl -sS "$CAMBIO/oauth2/token" -d grant_type=authorization_code -d client_id=mobile-app -d redirect_uri=$BACK -d "code=$CODE" -d "code_verifier=$VERIFIER"); echo "$TOKENS"

# 3. The app trades its refresh token for a short opaque token, to open the web app with.
OPAQUE=$(curl -sS "$CAMBIO/oauth2/token" -d grant_type=refresh_token -d client_id=mobile-app -d "refresh_token=$(member "$TOKENS" refresh_token)" -d token_format=opaque); echo "$OPAQUE"
TOKEN=$(member "$OPAQUE" access_token)

# 4. The web app looks at it with its own credentials.
curl -sS "$CAMBIO/oauth2/introspect" -u web-app:web-app-secret -d "token=$TOKEN"; echo

# 5. The mobile app revokes it, and the web app sees that at once.
curl -sS "$CAMBIO/oauth2/revoke" -d client_id=mobile-app -d "token=$TOKEN" -o /dev/null -w 'revoked: %{http_code}\n'
curl -sS "$CAMBIO/oauth2/introspect" -u web-app:web-app-secret -d "token=$TOKEN"; echo`;
}

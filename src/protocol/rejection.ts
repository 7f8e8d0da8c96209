interface Row {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 429 | 500 | 502 | 503;
  readonly error: string;
  readonly description: string;
}

const row = (status: Row["status"], error: string, description: string): Row => ({ status, error, description });

/**
 * The only error table. Left: the precise reason, for the audit log. Right: what the wire says, dull on purpose, and the
 * same for everything that must not be told apart (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 7009 §2.2.1).
 * Made with the first refusal: an isolate starts sooner without so many sentences.
 */
function table() {
  const request = (description: string) => row(400, "invalid_request", description);
  const invalidClient = row(401, "invalid_client", "Client authentication failed.");
  const code = row(400, "invalid_grant", "The authorization code is invalid, expired or used, or was issued to another client, redirect URI or verifier.");
  const refresh = row(400, "invalid_grant", "The refresh token is invalid, expired or revoked, or was issued to another client.");
  const target = row(400, "invalid_target", "The target is unknown or not permitted to this client.");
  const subject = request("The subject token is invalid, expired or revoked, or this client may not exchange it.");
  const actor = request("The actor token is invalid, expired or revoked, or may not act here.");
  const bearer = row(401, "invalid_token", "The access token is invalid, expired or revoked.");
  const operator = row(401, "invalid_token", "The operator's token is missing, invalid, expired or used.");
  const permission = row(404, "not_found", "There is no such permission, or no such client.");
  const login = request("The login cannot be continued: it is unknown, used, expired, or was begun in another browser.");
  const handOut = request("The token is invalid, expired or revoked, or not this application's own of a live login at its identity provider.");
  const loginAgain = row(400, "invalid_grant", "The identity provider's tokens of this login have expired and cannot be renewed: the user must log in again.");
  const idp = row(502, "server_error", "The identity provider's answer could not be used.");

  return {
    // The request's form
    media_type: request("The body must be application/x-www-form-urlencoded in UTF-8, without content encoding."),
    json_media_type: request("The body must be application/json in UTF-8, without content encoding."),
    body_too_large: row(413, "invalid_request", "The request body is too large."),
    malformed_form: request("The parameters are not well-formed: check the percent-encoding and that the text is UTF-8."),
    malformed_json: request("The body is not one well-formed JSON object."),
    too_many_parameters: request("There are too many parameters."),
    repeated_parameter: request("A parameter is given more than once, perhaps once in the URL and once in the body."),
    secret_in_query: request("Secrets, tokens, assertions and codes are never accepted in the URL: send them in the body."),
    query_parameter: request("Parameters in the URL are not accepted here: send them in the body."),
    missing_parameter: request("A required parameter is missing: {parameter}."),
    invalid_parameter: request("A parameter has a value that is not allowed: {parameter}."),
    problems: request("The document has problems."),
    not_found: row(404, "not_found", "There is nothing at this URL."),
    method_not_allowed: row(405, "invalid_request", "This URL does not take this method."),

    // Who is asking
    client_unknown: invalidClient,
    client_disabled: invalidClient,
    client_secret_wrong: invalidClient,
    client_method_not_registered: invalidClient,
    client_credentials_malformed: invalidClient,
    client_not_authenticated: invalidClient,
    client_locked: row(429, "temporarily_unavailable", "There were too many failed attempts from this address: try again later."),
    client_methods_many: request("More than one way of client authentication is used: use exactly one."),
    client_id_differs: request("client_id differs from the client that is authenticated."),

    // Proof of possession: RFC 9449 §5
    dpop_proof_invalid: row(400, "invalid_dpop_proof", "The DPoP proof is missing, invalid, used, or made for another request."),
    dpop_nonce_needed: row(400, "use_dpop_nonce", "The DPoP proof needs the nonce that this answer carries in DPoP-Nonce."),

    // What is asked for
    grant_unsupported: row(400, "unsupported_grant_type", "This grant type is not supported."),
    grant_not_allowed: row(400, "unauthorized_client", "This client may not use this grant type."),
    introspection_not_allowed: row(403, "access_denied", "This client may not introspect."),
    scope_malformed: row(400, "invalid_scope", "The scope is malformed."),
    scope_exceeds: row(400, "invalid_scope", "The scope exceeds what may be granted."),
    scope_empty: row(400, "invalid_scope", "No scope is left of what was asked for."),
    target_unknown: target,
    target_forbidden: target,
    target_not_saml: target,
    target_conflict: target,

    // Subject and actor tokens: RFC 8693 §2.2.2 has invalid_request for all of them
    subject_dead: subject,
    subject_unreadable: subject,
    subject_type_differs: subject,
    subject_type_unsupported: request("subject_token_type is not one that is supported here."),
    subject_not_for_requester: subject,
    subject_without_user: request("The subject token stands for no user, so no token about a user can be issued from it."),
    subject_needs_actor: request("The subject token carries act or may_act: it can be exchanged with an actor token only."),
    subject_unproven: subject,
    subject_bound: request("The subject token is bound to a key or certificate: no SSO token or bearer assertion can be issued from it."),
    subject_deadline: request("The time within which this login may be exchanged is over: the user must log in again."),
    subject_depth: request("The chain of exchanges behind the subject token is as long as allowed."),
    subject_budget: request("The subject token has been exchanged as often as allowed."),
    subject_identifier: request("The user has no value for the subject name identifier of the target."),
    actor_dead: actor,
    actor_unreadable: actor,
    actor_type_unsupported: request("actor_token_type is not one that is supported here."),
    actor_type_differs: actor,
    actor_not_for_requester: actor,
    actor_unproven: actor,
    actor_delegated: actor,
    actor_is_subject: actor,
    actor_not_allowed: actor,
    actor_repeated: actor,
    actor_too_many: actor,
    sso_dead: row(401, "invalid_token", "The SSO token is invalid, expired or used."),
    sso_redirect_unknown: request("redirect_uri is not one that the SSO token allows."),
    requested_type_unsupported: request("requested_token_type is not one that is supported here."),
    assertion_refused: row(400, "invalid_grant", "The assertion is invalid, expired or revoked, or this client may not use it."),

    // Codes and refresh tokens
    code_malformed: code,
    code_unknown: code,
    code_expired: code,
    code_replayed: code,
    code_client_differs: code,
    code_redirect_differs: code,
    code_verifier_wrong: code,
    code_family_dead: code,
    code_deadline: code,
    refresh_malformed: refresh,
    refresh_unknown: refresh,
    refresh_expired: refresh,
    refresh_client_differs: refresh,
    refresh_reused: refresh,
    refresh_revoked: refresh,
    refresh_session_ended: refresh,
    refresh_deadline: refresh,
    refresh_cutoff: refresh,
    refresh_unproven: refresh,
    refresh_user_age: refresh,
    refresh_target: refresh,

    // Access tokens at our own endpoints
    bearer_missing: row(401, "invalid_token", "An access token is needed, in the header Authorization."),
    bearer_malformed: bearer,
    bearer_inactive: bearer,
    bearer_unproven: row(401, "invalid_token", "The access token is bound to a key or certificate: its proof is missing or wrong."),
    bearer_scope: row(403, "insufficient_scope", "The access token lacks the scope openid."),

    // Authorize, callback, logout
    authorize_client_unknown: request("client_id is missing or names no application here."),
    authorize_redirect_unregistered: request("redirect_uri is missing or not registered for this application."),
    idp_response_invalid: idp,
    saml_request_refused: request("The SAML request is malformed, too old, or not from an application here."),
    saml_request_unknown: request("The login cannot be continued: begin it again in the application."),
    response_type_unsupported: row(400, "unsupported_response_type", "Only response_type=code is supported."),
    response_mode_unsupported: request("response_mode must be query or form_post."),
    pkce_required: request("PKCE is required: code_challenge of 43 to 128 characters and code_challenge_method=S256."),
    request_object: row(400, "request_not_supported", "The parameter request is not supported."),
    request_uri: row(400, "request_uri_not_supported", "The parameter request_uri is not supported."),
    prompt_unsupported: request("prompt must be none, login or select_account, and none stands alone."),
    idp_unknown: request("idp names no identity provider that this application may use."),
    idp_disabled: row(400, "access_denied", "The identity provider is switched off."),
    idp_none: row(400, "server_error", "No identity provider is configured for this application."),
    login_required: row(400, "login_required", "The user must log in."),
    interaction_required: row(400, "interaction_required", "The user must confirm."),
    login_denied: row(400, "access_denied", "The identity provider did not log the user in."),
    login_not_admitted: row(400, "access_denied", "This account of the identity provider is not one that may log in here."),
    user_cut_off: row(400, "access_denied", "The user may not log in."),
    login_state_unknown: login,
    login_state_used: login,
    login_state_expired: login,
    login_idp_differs: login,
    login_issuer_differs: login,
    idp_unreachable: row(503, "temporarily_unavailable", "The identity provider cannot be reached. Try again."),
    idp_discovery_invalid: idp,
    idp_keys_invalid: idp,
    idp_token_refused: idp,
    idp_id_token_invalid: idp,
    idp_nonce_differs: idp,
    idp_subject_differs: idp,
    logout_hint_invalid: request("The id_token_hint is not one of ours or not of this application."),
    logout_unknown: request("The sign-out cannot be confirmed: it is unknown, expired, or was asked for in another browser."),
    logout_redirect_unregistered: request("post_logout_redirect_uri is not registered for this application."),

    // The identity provider's own tokens
    idp_tokens_not_allowed: row(400, "unauthorized_client", "This application may not have the identity provider's tokens."),
    idp_assertion_unreadable: handOut,
    idp_assertion_dead: handOut,
    idp_assertion_differs: handOut,
    idp_assertion_exchanged: handOut,
    idp_session_absent: handOut,
    idp_session_differs: handOut,
    idp_tokens_expired: loginAgain,
    idp_tokens_unfit: idp,
    idp_refresh_refused: loginAgain,
    idp_scope_refused: row(400, "invalid_scope", "The identity provider does not give this scope for this login."),
    idp_refresh_pending: row(503, "temporarily_unavailable", "The identity provider's tokens are being renewed. Try again."),

    logout_token_invalid: request("The logout token is invalid, or the identity provider is unknown."),
    logout_token_used: request("The logout token has been used."),

    // Operators
    operator_unauthenticated: operator,
    operator_replayed: operator,
    operator_binding: operator,
    tenant_unknown: row(404, "not_found", "The tenant has no configuration yet: apply its file first."),
    family_unknown: row(404, "not_found", "There is no such token family, or it has been emptied."),
    token_unknown: row(404, "not_found", "This is no token of this issuer."),
    user_unknown: row(404, "not_found", "This is no id of a user."),
    session_unknown: row(404, "not_found", "There is no such session of this user."),
    node_unknown: row(404, "not_found", "There is no such node in this token family."),
    permission_unknown: permission,
    permission_not_own: permission,
    permission_client_unknown: permission,
    permission_state: row(409, "conflict", "The permission is not in a state that allows this."),
    client_absent: row(404, "not_found", "There is no such client."),
    client_exists: row(409, "conflict", "There is a client of this id."),
    client_disabled_by_file: row(409, "conflict", "The tenant file disables this client: change the file."),
    client_takes_no_secret: row(409, "conflict", "This client does not authenticate with a secret."),
    client_secrets_many: row(409, "conflict", "The client has as many valid secrets as allowed: retire one first."),
    client_secret_unknown: row(404, "not_found", "The client has no secret whose hash begins so, or more than one."),
    client_secret_last: row(409, "conflict", "This is the client's only valid secret: add another first, or disable the client."),
    client_takes_no_certificate: row(409, "conflict", "This client does not authenticate with such a certificate."),
    client_certificates_many: row(409, "conflict", "The client has as many certificates as allowed: retire one first."),
    client_certificate_unknown: row(404, "not_found", "The API has added no certificate whose id begins so, or more than one."),
    key_unknown: row(404, "not_found", "There is no such key: register it first, once it is deployed."),
    key_not_deployed: row(409, "conflict", "The version of the Worker that answers does not hold this key."),
    key_too_young: row(409, "conflict", "The key has not been published long enough: verifiers may not know it yet."),
    key_state: row(409, "conflict", "The key does not have the role that this takes."),
    key_needed: row(409, "conflict", "Something that is still alive may have been made with this key."),
    key_last: row(409, "conflict", "No other key could take its place: deploy one, or force it."),
    key_number_used: row(409, "conflict", "A number that has been used holds another key, or a key stands under a second number: use a new number for a new key."),
    tenant_jurisdiction_fixed: request("The jurisdiction of a tenant is fixed at its creation."),

    // When we cannot know
    unavailable: row(503, "temporarily_unavailable", "This cannot be decided now. Try again."),
    server_error: row(500, "server_error", "Something went wrong here."),
  } as const satisfies Record<string, Row>;
}

/** The precise reason of a refusal: a row of the error table. */
export type Reason = keyof ReturnType<typeof table>;

/** What a refusal says on the wire. */
export interface WireError {
  readonly status: Row["status"];
  readonly error: string;
  readonly description: string;
}

/** What may go with a reason: the name of the parameter at fault (a word of ours, never an input) and a note for the audit log. */
export interface RejectionDetail {
  readonly parameter?: string;
  readonly note?: string;
  readonly cause?: unknown;
  /** Header members that the answer carries. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal on its way to `onError`. The reason is for us, the wire says what the table says. */
export class Rejection extends Error {
  readonly reason: Reason;
  readonly detail: RejectionDetail;

  constructor(reason: Reason, detail: RejectionDetail = {}) {
    super(reason, { cause: detail.cause });
    this.name = "Rejection";
    this.reason = reason;
    this.detail = detail;
  }

  /** Status, error and sentence of this refusal. */
  get wire(): WireError {
    return wireError(this.reason, this.detail.parameter);
  }
}

let rows: Readonly<Record<Reason, Row>> | undefined;

/** Looks a reason up in the table. */
export function wireError(reason: Reason, parameter = ""): WireError {
  rows ??= table();
  const { status, error, description } = rows[reason];
  return { status, error, description: description.replace("{parameter}", parameter) };
}

/** What the verifier takes from Node's module; the platform has it under nodejs_compat. */
declare module "node:crypto" {
  export function verify(hash: string, data: Uint8Array, key: string, signature: Uint8Array): boolean;
  export class X509Certificate {
    constructor(certificate: Uint8Array | string);
    readonly publicKey: {
      readonly asymmetricKeyType?: string;
      readonly asymmetricKeyDetails?: { readonly modulusLength?: number };
      export(options: { readonly format: "pem"; readonly type: "spki" }): string;
    };
  }
}

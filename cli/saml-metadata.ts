import { readFileSync } from "node:fs";
import { DOMParser, type Element } from "@xmldom/xmldom";
import { NS } from "../src/saml/xml.ts";
import { CommandFailed } from "./command.ts";

/** What a tenant file says of a SAML identity provider, as far as its metadata says it. */
export interface ImportedProvider {
  readonly entityId: string;
  readonly ssoUrl?: string;
  readonly slo?: { readonly location: string; readonly responseLocation?: string };
  readonly certificates: readonly string[];
}

const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/** Reads the metadata of one identity provider from a file (SAML metadata §2.4.3). An operator's own file: its signature is not looked at. */
export function readMetadata(file: string): ImportedProvider {
  const root = parse(file);
  const entities = root.localName === "EntitiesDescriptor" ? named(root, NS.metadata, "EntityDescriptor") : [root];
  const providers = entities.flatMap((entity) => named(entity, NS.metadata, "IDPSSODescriptor").map((role) => ({ entity, role })));
  const [found, another] = providers;
  if (found === undefined || another !== undefined) throw new CommandFailed(`${file} describes ${providers.length} identity providers, not one`);
  const { entity, role } = found;
  // A key without a use is for signing too.
  const keys = named(role, NS.metadata, "KeyDescriptor").filter((key) => (key.getAttribute("use") ?? "signing") !== "encryption");
  const certificates = keys.flatMap((key) => named(key, NS.signature, "X509Certificate").map((one) => (one.textContent ?? "").replace(/\s/g, "")));
  if (certificates.length === 0) throw new CommandFailed(`${file} has no certificate for signing`);
  const ssoUrl = locations(role, "SingleSignOnService")?.location;
  const slo = locations(role, "SingleLogoutService");
  return {
    entityId: entity.getAttribute("entityID") ?? "",
    ...(ssoUrl === undefined ? {} : { ssoUrl }),
    ...(slo === undefined ? {} : { slo }),
    certificates: [...new Set(certificates)],
  };
}

// Where a service is reached by the redirect binding.
function locations(role: Element, service: string): ImportedProvider["slo"] {
  const found = named(role, NS.metadata, service).find((one) => one.getAttribute("Binding") === REDIRECT);
  const [location, responseLocation] = [found?.getAttribute("Location"), found?.getAttribute("ResponseLocation")];
  if (location === null || location === undefined) return undefined;
  return { location, ...(responseLocation === null || responseLocation === undefined ? {} : { responseLocation }) };
}

function parse(file: string): Element {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new CommandFailed(`${file} cannot be read`);
  }
  const refuse = (): never => {
    throw new CommandFailed(`${file} is not well-formed XML without a DOCTYPE`);
  };
  if (/<!DOCTYPE/i.test(text)) refuse();
  try {
    const root = new DOMParser({ onError: refuse }).parseFromString(text, "text/xml").documentElement;
    return root ?? refuse();
  } catch {
    return refuse();
  }
}

function named(element: Element, namespace: string, name: string): readonly Element[] {
  return [...element.getElementsByTagNameNS(namespace, name)];
}

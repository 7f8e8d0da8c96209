import type { Command } from "../command.ts";
import { clientAdd } from "./client-add.ts";
import { clientCertificateAdd } from "./client-certificate-add.ts";
import { clientCertificateRetire } from "./client-certificate-retire.ts";
import { clientDisable } from "./client-disable.ts";
import { clientEnable } from "./client-enable.ts";
import { clientList } from "./client-list.ts";
import { clientSecretAdd } from "./client-secret-add.ts";
import { clientSecretRetire } from "./client-secret-retire.ts";
import { clientShow } from "./client-show.ts";
import { familyRevoke } from "./family-revoke.ts";
import { familyTrace } from "./family-trace.ts";
import { idpCheck } from "./idp-check.ts";
import { idpList } from "./idp-list.ts";
import { init } from "./init.ts";
import { keysEmergencyDrop } from "./keys-emergency-drop.ts";
import { keysList } from "./keys-list.ts";
import { keysRetire } from "./keys-retire.ts";
import { keysRotate } from "./keys-rotate.ts";
import { openapi } from "./openapi.ts";
import { permissionDeny } from "./permission-deny.ts";
import { permissionGrant } from "./permission-grant.ts";
import { permissionList } from "./permission-list.ts";
import { permissionRequest } from "./permission-request.ts";
import { permissionWithdraw } from "./permission-withdraw.ts";
import { samlCertificate } from "./saml-certificate.ts";
import { samlImport } from "./saml-import.ts";
import { tenantApply } from "./tenant-apply.ts";
import { tenantCheck } from "./tenant-check.ts";
import { tenantDiff } from "./tenant-diff.ts";
import { tenantExport } from "./tenant-export.ts";
import { tenantSchema } from "./tenant-schema.ts";
import { tokenKeysEmergencyDrop } from "./token-keys-emergency-drop.ts";
import { tokenKeysRetire } from "./token-keys-retire.ts";
import { tokenKeysRotate } from "./token-keys-rotate.ts";
import { userRevoke } from "./user-revoke.ts";

/** Every command of the command line. */
export const COMMANDS: readonly Command[] = [
  init,
  tenantCheck,
  tenantDiff,
  tenantApply,
  tenantExport,
  tenantSchema,
  clientList,
  clientShow,
  clientAdd,
  clientDisable,
  clientEnable,
  clientSecretAdd,
  clientSecretRetire,
  clientCertificateAdd,
  clientCertificateRetire,
  idpList,
  idpCheck,
  keysList,
  keysRotate,
  keysRetire,
  keysEmergencyDrop,
  tokenKeysRotate,
  tokenKeysRetire,
  tokenKeysEmergencyDrop,
  samlCertificate,
  samlImport,
  permissionList,
  permissionRequest,
  permissionGrant,
  permissionDeny,
  permissionWithdraw,
  familyTrace,
  familyRevoke,
  userRevoke,
  openapi,
];

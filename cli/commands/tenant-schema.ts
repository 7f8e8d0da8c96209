import { type Command, readArguments } from "../command.ts";
import { tenantSchemaText } from "../tenant-schema.ts";

/** `tenant schema`: the JSON Schema of a tenant file, for editors. */
export const tenantSchema: Command = {
  words: "tenant schema",
  summary: "print the JSON Schema of a tenant file, for editors",
  help: `tenant schema

Prints the JSON Schema of a tenant file. demo/tenant.schema.json is its output; name it as "$schema" in a tenant file
and an editor completes and checks while you type. What the parts of a file say of each other only tenant check sees.`,
  async run(args, terminal) {
    readArguments(args, {});
    terminal.out(tenantSchemaText());
  },
};

import { runMain } from "./command.ts";
import { main } from "./main.ts";

await runMain(main);

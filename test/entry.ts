export { default } from "../src/index.ts";
export * from "../src/state/index.ts";

/** A text file: a module of its own in the deployment, outside the bundle. */
declare module "*.txt" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: it is the platform that exports a text so
  export default text;
}

import type { DocumentFault } from "../verified.ts";

/** A document is refused. The note is a word of ours, never an input. */
export class Fault extends Error {
  readonly fault: DocumentFault;
  readonly note: string;

  constructor(fault: DocumentFault, note: string) {
    super(note);
    this.fault = fault;
    this.note = note;
  }
}

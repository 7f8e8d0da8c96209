import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { TokenCopies } from "../../src/storage/token-copies.ts";

const now = () => Math.floor(Date.now() / 1000);

/** Copies of opaque tokens: written, read, removed; a short life is not copied. Under the real clock, which KV goes by. */
export function tokenCopiesContract(name: string, make: () => TokenCopies): void {
  describe(`${name}: a copy`, () => {
    it("is read as it was written, under its own hash alone", async () => {
      const copies = make();
      const hash = randomId(32);
      await copies.write(hash, "sealed", now() + 600);
      expect(await copies.read(hash)).toBe("sealed");
      expect(await copies.read(randomId(32))).toBeUndefined();
    });

    it("is replaced by a later one, and gone once removed; removing it again does no harm", async () => {
      const copies = make();
      const hash = randomId(32);
      await copies.write(hash, "first", now() + 600);
      await copies.write(hash, "second", now() + 600);
      expect(await copies.read(hash)).toBe("second");
      await copies.remove(hash);
      await copies.remove(hash);
      expect(await copies.read(hash)).toBeUndefined();
    });

    it.each([61, 3600, 43_200])("is made of what lives %d s more", async (seconds) => {
      const copies = make();
      const hash = randomId(32);
      await copies.write(hash, "sealed", now() + seconds);
      expect(await copies.read(hash)).toBe("sealed");
    });

    it.each([59, 1, 0, -1, -100_000])("CON-46 is not made of what lives %d s more, and nothing fails", async (seconds) => {
      const copies = make();
      const hash = randomId(32);
      await copies.write(hash, "sealed", now() + seconds);
      expect(await copies.read(hash)).toBeUndefined();
    });

    it("CON-46 is not made of what ends at no time that is a number", async () => {
      const copies = make();
      const hash = randomId(32);
      await copies.write(hash, "sealed", Number.NaN);
      expect(await copies.read(hash)).toBeUndefined();
    });
  });
}

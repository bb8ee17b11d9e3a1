import fc from 'fast-check';

/** Any character of Unicode, control characters and what nobody has assigned among them. */
export const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0xff }),
    fc.integer({ min: 0x100, max: 0xffff }),
    fc.integer({ min: 0x1_0000, max: 0x10_ffff }),
  )
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

/** Texts of such characters. */
export const anyText = fc.string({ unit: character });

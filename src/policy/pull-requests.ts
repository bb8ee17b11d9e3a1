// What a pull request may be called, and who may be asked to review it. What a host takes less of is cut there.
import { z } from 'zod';

const TITLE_CHARACTERS_MAX = 255;
const BODY_BYTES_MAX = 64 * 1024;
const REVIEWERS_MAX = 20;
const REVIEWER_CHARACTERS_MAX = 255;

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/** What a terminal would obey: C0 and C1 without tab and line ends. */
const TERMINAL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** One line of text for people. */
const line = (characters: number) =>
  z
    .string()
    .refine(
      (text) => text.trim() !== '' && text.length <= characters,
      `does not have 1 to ${characters} characters`,
    )
    .refine(
      (text) => text.isWellFormed() && !CONTROL.test(text),
      'holds a control character or half a surrogate pair',
    );

export const PullTitle = line(TITLE_CHARACTERS_MAX);

export const PullBody = z
  .string()
  .refine((text) => text.isWellFormed(), 'holds half a surrogate pair')
  .refine((text) => Buffer.byteLength(text) <= BODY_BYTES_MAX, 'is longer than 64 KiB')
  .refine((text) => !TERMINAL.test(text), 'holds a control character');

export const Reviewer = line(REVIEWER_CHARACTERS_MAX);

export const Reviewers = z
  .array(Reviewer)
  .max(REVIEWERS_MAX, `names more than ${REVIEWERS_MAX}`)
  .refine((names) => new Set(names).size === names.length, 'names somebody twice');

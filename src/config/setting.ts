// What a setting is, and the forms that several have.
import { z } from 'zod';

export interface Setting<T extends z.ZodType> {
  description: string;
  /** The text the environment would hold; absent where there is none. */
  default?: string;
  unit?: string;
  schema: T;
}

export const setting = <T extends z.ZodType>(entry: Setting<T>): Setting<T> => entry;

export const flag = z
  .enum(['true', 'false'], 'is neither true nor false')
  .transform((text) => text === 'true');
export const text = z.string().min(1, 'is empty');
export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `is not between ${min} and ${max}`);
export const url = (...schemes: string[]) =>
  z.string().refine(
    (value) => {
      try {
        return schemes.includes(new URL(value).protocol.slice(0, -1));
      } catch {
        return false;
      }
    },
    `is not a URL with scheme ${schemes.join(' or ')}`,
  );

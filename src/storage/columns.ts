// Kinds of columns.
import type { ColumnType } from 'kysely';

/** A column that the database fills and nobody changes. */
export type Stamp = ColumnType<Date, never, never>;
export type Json<T> = ColumnType<T, string, string>;

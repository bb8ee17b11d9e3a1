/**
 * Version of everything in this folder. Raise it with every change that an older delegate or manager would misread;
 * both sides compare it at the delegate's start, and each task carries it.
 */
export const contractVersion = 7;
/** The oldest version that is still spoken: the one before. */
export const contractOldest = 6;
/** Contract version since which a task may say which trace it is a part of, beside its input as its purpose is. */
export const tracedSince = 7;
/** Contract version since which delegates ask the APIs of Git hosts. */
export const hostApiSince = 7;
/** Contract version since which delegates tell the history of a path. */
export const historySince = 7;

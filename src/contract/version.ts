/**
 * Version of everything in this folder. Raise it with every change that an older delegate or manager would misread;
 * both sides compare it at the delegate's start, and each task carries it.
 */
export const contractVersion = 6;
/** The oldest version that is still spoken: the one before. */
export const contractOldest = 5;
/** Contract version since which delegates renew secrets and let them go to other secret managers. */
export const secretOperationsSince = 6;

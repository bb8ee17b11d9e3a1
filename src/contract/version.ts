/**
 * Version of everything in this folder. Raise it with every change that an older delegate or manager would misread;
 * both sides compare it at the delegate's start, and each task carries it.
 */
export const contractVersion = 5;
/** The oldest version that is still spoken: the one before. Since 5 there are secret managers outside. */
export const contractOldest = 4;
/** Contract version. */
export const outsideSecretsSince = 5;

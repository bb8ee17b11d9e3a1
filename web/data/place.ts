/** Where the manager is, as this page reached it: with whatever path a proxy serves it under, without the last slash. */
export const server = new URL('.', document.baseURI).href.replace(/\/$/, '');

/** The version of the product; a test compares it with CHANGELOG.md, the packages and the API document. */
export const VERSION = '0.2.0'

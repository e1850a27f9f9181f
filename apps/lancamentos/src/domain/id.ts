const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** True where the text could be the id of an entry. Whatever is no UUID names no entry: 404, not 422. */
export const ehId = (texto: string): boolean => UUID.test(texto)

import { crc32 } from 'node:zlib'

/**
 * The partition of a key (a merchant's id): CRC-32 of its UTF-8 bytes, modulo the number of partitions.
 *
 * Fixed for ever: an entry's partition is part of its address, so neither this function nor `particoes` may change
 * once the first entry is written.
 */
export const particaoOf = (chave: string, particoes: number): number => crc32(chave) % particoes

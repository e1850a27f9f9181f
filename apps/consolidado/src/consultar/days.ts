const MS_PER_DAY = 86_400_000

/** Days from `de` to `ate`, both counted; zero or less where `ate` is before `de`. Both are valid days. */
export const daysBetween = (de: string, ate: string): number => (Date.parse(ate) - Date.parse(de)) / MS_PER_DAY + 1

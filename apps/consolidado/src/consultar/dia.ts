const MS_POR_DIA = 86_400_000

/** Days from `de` to `ate`, both counted; zero or less where `ate` is before `de`. Both are valid days. */
export const diasEntre = (de: string, ate: string): number => (Date.parse(ate) - Date.parse(de)) / MS_POR_DIA + 1

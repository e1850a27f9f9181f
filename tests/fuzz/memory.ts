const MB = 1_048_576

/** What a service's process holds in memory, as its metrics tell. */
export const residentMb = async (url: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]) / MB
}

/**
 * The addresses that others have tried in vain, and nobody with success: libp2p's client keeps that in a private field until eight networks have failed, and
 * tells nobody. The version is pinned, and a test fails when the field is another.
 *
 * @param service what `autoNATv2()` makes
 */
export function failedAddresses(service: unknown): string[] {
  return [...resultsOf(service)].flatMap(([address, result]) =>
    has(result, 'failure') && has(result, 'success') && Number(result.failure) > 0 && result.success === 0
      ? [address]
      : []
  )
}

/** Has them asked about again, also by networks that have failed. */
export function forgetFailures(service: unknown): void {
  const results = resultsOf(service)
  for (const address of failedAddresses(service)) results.delete(address)
}

/** @throws TypeError where the client is not the one that is pinned */
function resultsOf(service: unknown): Map<string, unknown> {
  if (has(service, 'client') && has(service.client, 'dialResults') && service.client.dialResults instanceof Map)
    return service.client.dialResults
  throw new TypeError('the AutoNAT client is not the one that is known here')
}

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && name in value
}

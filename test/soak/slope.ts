/** How much each value is above the one before it, by the line of least squares through all of them. */
export function slopeOf(values: readonly number[]): number {
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const middle = (values.length - 1) / 2
  const average = mean(values)
  const along = values.reduce((sum, value, index) => sum + (index - middle) * (value - average), 0)
  const spread = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0)
  return spread === 0 ? 0 : along / spread
}

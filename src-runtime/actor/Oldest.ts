/** How a map that is kept as a memory of the most recent forgets, at a cost that does not grow with it. */

/** Of what may be kept: as much goes at a time. */
const share = 1 / 16

/**
 * Lets go of the oldest where there are more than `most`. A sixteenth at a time: a map finds its first entry by walking over
 * all that were deleted before it, so that one at a time would cost thousands of steps each.
 */
export const forgetOldest = (map: Map<unknown, unknown>, most: number): void => {
  if (map.size <= most) return
  let left = map.size - most + Math.floor(most * share)
  for (const key of map.keys()) {
    if (left <= 0) return
    left -= 1
    map.delete(key)
  }
}

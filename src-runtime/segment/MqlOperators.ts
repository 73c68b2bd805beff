/**
 * The stages and operators that a segment's pipeline is made of, and nothing else: what the compiler may write is what the
 * embedded store takes. Without imports, for the store reads it on a thread of its own.
 */
export const mqlStages: ReadonlySet<string> = new Set(["$match", "$lookup", "$sort", "$project"])
export const mqlQueryOperators: ReadonlySet<string> = new Set([
  "$and",
  "$or",
  "$nor",
  "$eq",
  "$ne",
  "$gt",
  "$gte",
  "$lt",
  "$lte",
  "$in",
  "$nin",
  "$all",
  "$exists",
  "$regex",
  "$expr"
])
export const mqlExpressionOperators: ReadonlySet<string> = new Set([
  "$and",
  "$or",
  "$not",
  "$eq",
  "$ne",
  "$gt",
  "$gte",
  "$lt",
  "$lte",
  "$in",
  "$isNumber",
  "$ifNull",
  "$literal",
  "$let",
  "$switch",
  "$filter",
  "$reduce",
  "$size",
  "$arrayElemAt",
  "$setIntersection",
  "$setIsSubset",
  "$add",
  "$multiply",
  "$regexMatch"
])

/**
 * The tables that hold personal data in the clear, each with what clears it. Everything else holds it sealed or as keyed
 * hashes; a test drops a rich day into a server and finds its names, numbers and addresses in these and nowhere else.
 * Beside them, and no tables: the profiles of the segment store (`segment/`), which erasing a contact has to clear as well.
 */
export const clearTextViews: Readonly<Record<string, string>> = {
  contact_directory: "Erasing a contact has to delete her row; a rebuild drops all and reads what can still be opened.",
  contact_anniversary:
    "Month and day of birth and name. Erasing a contact has to delete her row; a rebuild drops all and reads what can " +
    "still be opened."
}

/**
 * The tables that hold personal data in the clear, each with what clears it. Everything else holds it sealed or as keyed
 * hashes; a test drops a rich day into a server and finds its names, numbers and addresses in these and nowhere else.
 */
export const clearTextViews: Readonly<Record<string, string>> = {
  contact_directory: "Erasing a contact has to delete her row; a rebuild drops all and reads what can still be opened."
}

/** What the pages behind the links of messages say, in the reader's language as far as it is one of these. */

export interface Words {
  readonly gone: { readonly title: string; readonly text: string }
  readonly busy: { readonly title: string; readonly text: string }
  /** To a provider whose signature is not right. */
  readonly unsigned: { readonly title: string; readonly text: string }
  readonly optOut: Act
  readonly optIn: Act
  readonly accept: Act
  readonly withdraw: Act
}

interface Act {
  readonly title: string
  readonly question: (business: string) => string
  readonly button: string
  readonly done: (business: string) => string
}

const english: Words = {
  gone: {
    title: "This link leads nowhere",
    text: "It may have been cut off when it was copied, or it is too old. Nothing was changed."
  },
  busy: {
    title: "Not just now",
    text: "We could not do this at the moment. Nothing is lost: please try again shortly."
  },
  unsigned: {
    title: "Not allowed",
    text: "This is not signed by whom it has to come from. Sent again as it is, it will be refused again."
  },
  optOut: {
    title: "Unsubscribe",
    question: (business) => `Do you want no more messages of this kind from ${business}?`,
    button: "Unsubscribe",
    done: (business) => `Done. ${business} sends you no more messages of this kind.`
  },
  optIn: {
    title: "Subscribe",
    question: (business) => `Do you want to receive messages of this kind from ${business}?`,
    button: "Subscribe",
    done: (business) => `Done. ${business} may send you messages of this kind.`
  },
  accept: {
    title: "Your consent",
    question: (business) => `Do you agree that ${business} keeps and uses your data to serve you?`,
    button: "I agree",
    done: () => "Thank you. Your consent is noted."
  },
  withdraw: {
    title: "Your consent",
    question: (business) => `Do you want to withdraw your consent from ${business}?`,
    button: "Withdraw",
    done: () => "Done. Your consent is withdrawn."
  }
}

const greek: Words = {
  gone: {
    title: "Ο σύνδεσμος δεν οδηγεί πουθενά",
    text: "Ίσως κόπηκε κατά την αντιγραφή, ή είναι πολύ παλιός. Δεν άλλαξε τίποτα."
  },
  busy: { title: "Όχι αυτή τη στιγμή", text: "Δεν έγινε τώρα. Τίποτα δεν χάθηκε: δοκιμάστε ξανά σε λίγο." },
  unsigned: { title: "Δεν επιτρέπεται", text: "Δεν φέρει τη σωστή υπογραφή. Όπως είναι, θα απορριφθεί και πάλι." },
  optOut: {
    title: "Διαγραφή από τη λίστα",
    question: (business) => `Δεν θέλετε άλλα τέτοια μηνύματα από ${business};`,
    button: "Διαγραφή",
    done: (business) => `Έγινε. Δεν θα λαμβάνετε άλλα τέτοια μηνύματα από ${business}.`
  },
  optIn: {
    title: "Εγγραφή στη λίστα",
    question: (business) => `Θέλετε να λαμβάνετε τέτοια μηνύματα από ${business};`,
    button: "Εγγραφή",
    done: (business) => `Έγινε. Θα λαμβάνετε τέτοια μηνύματα από ${business}.`
  },
  accept: {
    title: "Η συγκατάθεσή σας",
    question: (business) => `Συμφωνείτε να τηρεί και να χρησιμοποιεί τα δεδομένα σας η επιχείρηση ${business};`,
    button: "Συμφωνώ",
    done: () => "Ευχαριστούμε. Η συγκατάθεσή σας καταγράφηκε."
  },
  withdraw: {
    title: "Η συγκατάθεσή σας",
    question: (business) => `Θέλετε να ανακαλέσετε τη συγκατάθεσή σας προς ${business};`,
    button: "Ανάκληση",
    done: () => "Έγινε. Η συγκατάθεσή σας ανακλήθηκε."
  }
}

/** As the browser asks for it: the first language that it names decides. */
export const languageOf = (accepted: string | undefined): "el" | "en" =>
  accepted !== undefined && /^\s*el\b/i.test(accepted) ? "el" : "en"

export const wordsIn = (language: "el" | "en"): Words => (language === "el" ? greek : english)

/**
 * The name days of the Orthodox calendar as Greeks and Cypriots keep them: when, whose, and why. Earlier entries win where a
 * name has two (NAM-1). Names stand in Greek and, where another spelling is no mere transliteration, as they are written
 * elsewhere.
 */

/**
 * A date of the year; days from Easter Sunday; or a date of the year that gives way to Easter: kept so many days after Easter
 * when it falls no later than `lateBy` days after Easter Sunday.
 */
export type Feast =
  | readonly [month: number, day: number]
  | { readonly easter: number }
  | { readonly date: readonly [month: number, day: number]; readonly lateBy: number; readonly easter: number }

export interface NameDayRule {
  readonly feast: Feast
  readonly description: string
  /** Separated by spaces. */
  readonly names: string
}

const rule = (feast: Feast, description: string, names: string): NameDayRule => ({ feast, description, names })

export const nameDayRules: ReadonlyArray<NameDayRule> = [
  rule([1, 1], "Saint Basil", "Βασίλης Βασίλειος Βασιλική Βάσω Βίκυ Βίκη Βάσος Basil Vasileios Vassos Vicky"),
  rule([1, 6], "Epiphany", "Φώτης Φώτιος Φωτεινή Φωτούλα Θεοφάνης Θεοφανία Φανή Φάνης Ουρανία Ράνια Fotios Photios"),
  rule(
    [1, 7],
    "Saint John the Baptist",
    "Γιάννης Ιωάννης Ιωάννα Γιάννα Γιαννούλα Πρόδρομος John Ioanna Joanna Johannes Ιβάν Ivan"
  ),
  rule([1, 11], "Saint Theodosius", "Θεοδόσης Θεοδόσιος Θεοδοσία"),
  rule([1, 17], "Saint Anthony", "Αντώνης Αντώνιος Αντωνία Τόνια Anthony Antony Antonia Tonia"),
  rule([1, 18], "Saints Athanasius and Cyril", "Θανάσης Αθανάσιος Αθανασία Νάσια Νάσος Κύριλλος Cyril"),
  rule([1, 20], "Saint Euthymius", "Ευθύμιος Θύμιος Ευθυμία Έφη"),
  rule([1, 21], "Saints Agnes and Maximus", "Αγνή Μάξιμος Agnes Maximus"),
  rule([1, 22], "Saint Timothy", "Τιμόθεος Timothy"),
  rule([1, 24], "Saints Xenia and Neophytus", "Ξένια Πολυξένη Ξένη Ξένος Νεόφυτος"),
  rule([1, 25], "Saint Gregory", "Γρηγόρης Γρηγόριος Γρηγορία Μαργαρίτα Gregory Margarita"),
  rule([1, 30], "The Three Hierarchs", "Χρυσόστομος"),
  rule([2, 1], "Saint Tryphon", "Τρύφωνας Τρύφων"),
  rule([2, 2], "Presentation of Jesus", "Υπαπαντή"),
  rule([2, 3], "Saint Symeon", "Συμεών Σταματία Stamatia Simeon"),
  rule([2, 5], "Saint Agatha", "Αγαθή Agatha"),
  rule([2, 10], "Saint Charalambos", "Χαράλαμπος Χαραλαμπία Μπάμπης Χάρης Χαρούλα Λάμπης Χαρίκλεια Harry Haris Babis"),
  rule([2, 11], "Saint Blaise", "Βλάσης Βλάσιος"),
  rule([2, 23], "Saint Polycarp", "Πολύκαρπος Πολυκαρπία"),
  rule([2, 29], "Saint Cassian", "Κασσιανός Κασσιανή Κάσσιος Cassian"),
  rule({ easter: -43 }, "Saint Theodore", "Θόδωρος Θεόδωρος Θεοδώρα Δώρα Θοδωρής Theodore Theodora"),
  rule([3, 25], "Annunciation", "Ευάγγελος Βαγγέλης Ευαγγελία Βαγγελιώ Εύα Λίτσα Evan Evangeline"),
  rule({ easter: -8 }, "Lazarus Saturday", "Λάζαρος Lazarus"),
  rule({ easter: -7 }, "Palm Sunday", "Βάιος Βάια Δάφνη Daphne Dafni"),
  rule(
    { easter: 0 },
    "Easter Sunday",
    "Λάμπρος Λαμπρινή Πασχάλης Πασχαλίνα Αναστάσιος Τάσος Ανέστης Pascal Anastasios Tasos"
  ),
  rule([4, 15], "Saint Leonidas", "Λεωνίδας"),
  rule(
    { date: [4, 23], lateBy: 0, easter: 1 },
    "Saint George",
    "Γιώργος Γεώργιος Γεωργία Γιωργία Γωγώ Γιούλη George Georgia Georges Jorge"
  ),
  rule({ date: [4, 25], lateBy: 1, easter: 2 }, "Saint Mark", "Μάρκος Mark Marc Marcus Marco"),
  rule({ easter: 2 }, "Saints Raphael, Nicholas and Irene", "Ραφαήλ Ραφαέλα Ραφαηλία Raphael Rafaella Rafael"),
  rule({ easter: 5 }, "Life-giving Spring", "Πηγή Ζώης Ζήσης"),
  rule({ easter: 7 }, "Saint Thomas", "Θωμάς Thomas Tom"),
  rule({ easter: 14 }, "Joseph of Arimathea and Nicodemus", "Νικόδημος Nicodemus"),
  rule([5, 1], "Saint Jeremiah", "Ιερεμίας Jeremiah Jeremy"),
  rule([5, 5], "Saint Irene", "Ειρήνη Ρένα Ρηνιώ Irene Irini Eirini Rena Ειρηναίος"),
  rule([5, 8], "Saint John the Theologian", "Θεολόγος Θεολογία"),
  rule([5, 9], "Saints Christopher and Isaiah", "Χριστόφορος Χριστοφορία Ησαΐας Christopher Chris Isaiah"),
  rule([5, 12], "Saint Epiphanius", "Επιφάνιος Επιφανεία Epiphanius"),
  rule([5, 20], "Saint Lydia", "Λυδία Λίντια Lydia"),
  rule(
    [5, 21],
    "Saints Constantine and Helen",
    "Κωνσταντίνος Κώστας Ντίνος Κωνσταντίνα Κωστής Ντίνα Ελένη Έλενα Λένα Νίτσα Constantine Helen Helena Elena Ελεάνα Eleana Dinos"
  ),
  rule({ easter: 50 }, "Monday of the Holy Spirit", "Κορίνα Τριάδα Corina Corinna"),
  rule([6, 11], "Saints Bartholomew and Barnabas", "Βαρθολομαίος Βαρνάβας Bartholomew Barnabas Varnavas"),
  rule([6, 12], "Saint Onuphrius", "Ονούφριος"),
  rule([6, 29], "Saints Peter and Paul", "Πέτρος Παύλος Παυλίνα Πετρούλα Πέτρα Peter Paul Paulina Paula Petra"),
  rule([6, 30], "The Holy Apostles", "Απόστολος Αποστολία Apostolos"),
  rule([7, 1], "Saints Cosmas and Damian", "Κοσμάς Δαμιανός Cosmas Damian"),
  rule([7, 7], "Saint Kyriaki", "Κυριακή Κική Κούλα"),
  rule([7, 8], "Saint Procopius", "Προκόπης Προκόπιος"),
  rule([7, 11], "Saints Euphemia and Olga", "Ευφημία Έφη Όλγα Olga Euphemia"),
  rule([7, 17], "Saint Marina", "Μαρίνα Μαρίνος Marina Marinos"),
  rule([7, 20], "Prophet Elijah", "Ηλίας Ηλιάνα Elias Ilias Elijah Iliana"),
  rule([7, 22], "Saints Mary Magdalene and Markella", "Μαγδαληνή Μάγδα Μαρκέλλα Magdalene Magda Marcella Μένια"),
  rule([7, 24], "Saint Christina", "Χριστίνα Ντίνα Christine"),
  rule([7, 25], "Dormition of Saint Anna; Saint Olympias", "Ολυμπία Ολυμπιάδα Ευπραξία Olympia"),
  rule([7, 26], "Saint Paraskevi", "Παρασκευή Βούλα Βιβή Παρασκευάς Εύη Paraskevi Vivi Evi"),
  rule([7, 27], "Saint Panteleimon", "Παντελής Παντελεήμων Παντελία"),
  rule([8, 6], "Transfiguration", "Σωτήρης Σωτηρία Σωτήριος Σώτος Ρούλα"),
  rule([8, 10], "Saint Lawrence", "Λαυρέντιος Λαυρεντία Lawrence Laurence"),
  rule(
    [8, 15],
    "Dormition of the Mother of God",
    "Μαρία Μάριος Παναγιώτης Παναγιώτα Παναής Πάνος Δέσποινα Μαίρη Μαριάνθη Γιώτα Πόπη Κρυσταλλία Mary Maria Marie Marios Panos Despo Δέσπω Takis Τάκης Marianna Μαριάννα Μαρίκα"
  ),
  rule([8, 26], "Saints Adrian and Natalia", "Αδριανός Αδριάνα Ναταλία Νατάσα Adrian Adriana Natalie Natasha Natasa"),
  rule([8, 27], "Saint Phanourius", "Φανούριος Φανουρία"),
  rule(
    [8, 30],
    "Saint Alexander",
    "Αλέξανδρος Αλεξάνδρα Αλέκος Αλέξης Αλέξια Alexander Alexandra Alex Alexis Alexia Σάντρα Sandra"
  ),
  rule([9, 1], "Saint Symeon the Stylite; church new year", "Μελέτης Μελέτιος"),
  rule([9, 2], "Saint Mamas", "Μάμας"),
  rule([9, 3], "Saint Anthimus", "Άνθιμος Ανθή Άνθος"),
  rule([9, 5], "Saint Zachary", "Ζαχαρίας Zachary Zacharias"),
  rule([9, 8], "Nativity of the Mother of God", "Γενέθλια"),
  rule([9, 9], "Saints Joachim and Anna", "Ιωακείμ Joachim"),
  rule([9, 14], "Exaltation of the Cross", "Σταύρος Σταυρούλα Σταυρή Τίνα"),
  rule([9, 17], "Saints Sophia, Faith, Hope and Love", "Σοφία Πίστη Ελπίδα Αγάπη Σόνια Sophie Sofie Hope Elpida"),
  rule([9, 20], "Saint Eustace", "Ευστάθιος Στάθης Ευσταθία Eustace"),
  rule([9, 24], "Saint Thekla", "Θέκλα Thecla"),
  rule([9, 25], "Saint Euphrosyne", "Ευφροσύνη Φρόσω Euphrosyne"),
  rule([9, 29], "Saint Cyriacus", "Κυριάκος Cyriacus"),
  rule([10, 2], "Saint Cyprian", "Κυπριανός Κύπρος Ιουστίνη Cyprian Justine"),
  rule([10, 3], "Saint Dionysius", "Διονύσης Διονύσιος Διονυσία Νιόνιος Σίσσυ Dennis Denis Denise"),
  rule([10, 6], "Saint Thomas the Apostle; Saint Erotheis", "Ερωτηίς Έρως"),
  rule([10, 7], "Saints Sergius and Bacchus", "Σέργιος Βάκχος Sergius Sergio Sergey"),
  rule([10, 16], "Saint Longinus", "Λογγίνος"),
  rule([10, 18], "Saint Luke", "Λουκάς Λουκία Luke Lucas"),
  rule([10, 20], "Saints Artemius and Gerasimus", "Άρτεμις Αρτέμης Αρτέμιος Γεράσιμος Μάκης Artemis"),
  rule([10, 23], "Saint James", "Ιάκωβος James Jacob Iakovos"),
  rule(
    [10, 26],
    "Saint Demetrius",
    "Δημήτρης Δημήτριος Δήμητρα Δημητρούλα Μήτσος Μίμης Τζίμης Demetris Demetrios Demetra Demetrius Jim Jimmy Δήμος"
  ),
  rule([10, 27], "Saint Nestor", "Νέστορας Νέστωρ"),
  rule([11, 1], "The Holy Unmercenaries", "Ανάργυρος Αργύρης Αργυρώ"),
  rule(
    [11, 8],
    "The Archangels",
    "Μιχάλης Μιχαήλ Μιχαέλα Γαβριήλ Γαβριέλα Άγγελος Αγγελική Αγγέλα Σταμάτης Ταξιάρχης Στράτος Michael Michaela Gabriel Gabriella Angelos Angela Angeliki Michalis Mike"
  ),
  rule([11, 9], "Saint Nectarius", "Νεκτάριος Νεκταρία"),
  rule([11, 11], "Saints Menas, Victor and Vincent", "Μηνάς Βίκτωρ Βίκτωρας Βικέντιος Victor Vincent"),
  rule([11, 14], "Saint Philip", "Φίλιππος Φιλίππα Philip Phillip"),
  rule([11, 16], "Saint Matthew", "Ματθαίος Matthew Matthaios Matheos"),
  rule([11, 18], "Saint Plato", "Πλάτωνας Πλάτων Plato"),
  rule(
    [11, 25],
    "Saint Catherine",
    "Κατερίνα Αικατερίνη Κατίνα Καίτη Catherine Katherine Aikaterini Kate Katie Ekaterini Mercurius Μερκούριος"
  ),
  rule([11, 26], "Saint Stylianus", "Στέλιος Στυλιανός Στέλλα Στυλιανή Stella"),
  rule([11, 30], "Saint Andrew", "Ανδρέας Ανδριανή Ανδρούλα Αντρέας Άντρος Άντρη Andrew Andri Andros Androulla"),
  rule([12, 4], "Saint Barbara", "Βαρβάρα Barbara"),
  rule([12, 5], "Saint Sabbas", "Σάββας Σαβίνα Savva Savina"),
  rule(
    [12, 6],
    "Saint Nicholas",
    "Νίκος Νικόλας Νικόλαος Νικολέτα Νικολίνα Νίκη Nicholas Nicolas Nick Nicole Nicoletta"
  ),
  rule([12, 9], "Conception of Saint Anna", "Άννα Αννούλα Αννέτα Anna Anne Ann Annie"),
  rule([12, 12], "Saint Spyridon", "Σπύρος Σπυρίδωνας Σπυρίδων Σπυριδούλα"),
  rule(
    [12, 13],
    "Saints Eustratius, Eugene and Lucy",
    "Ευστράτιος Στρατής Ευγένιος Ορέστης Λουκία Eugene Lucy Lucia Orestes"
  ),
  rule([12, 15], "Saint Eleutherius", "Λευτέρης Ελευθέριος Ελευθερία Ρία Eleutherios Eleftheria"),
  rule([12, 17], "Prophet Daniel", "Δανιήλ Δανιέλα Daniel Daniella"),
  rule([12, 18], "Saints Sebastian and Zoe", "Σεβαστιανός Ζωή Sebastian Zoe Zoi"),
  rule([12, 20], "Saint Ignatius", "Ιγνάτιος Ignatius"),
  rule([12, 22], "Saint Anastasia", "Αναστασία Νατάσσα Τασούλα Σία Anastasia"),
  rule([12, 24], "Saint Eugenia", "Ευγενία Τζένη Jenny Eugenia"),
  rule(
    [12, 25],
    "Christmas",
    "Χρήστος Χρίστος Χρυστάλλα Χριστιάνα Κρίστη Χρύσα Χρυσάνθη Christiana Christi Chrystalla"
  ),
  rule([12, 26], "Synaxis of the Mother of God", "Μανώλης Εμμανουήλ Εμμανουέλα Μάνος Emmanuel Manuel Emmanuella"),
  rule([12, 27], "Saint Stephen", "Στέφανος Στεφανία Steven Stephen Stephanie Stephania")
]

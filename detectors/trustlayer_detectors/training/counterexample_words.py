"""The words of our own minimal pairs: what is said, of whom, by whom, and marks of quotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The last quarter of each list never trains.
WORDS: Mapping[str, Sequence[str]] = {
    "insult": (
        "idiot", "moron", "pathetic loser", "stupid cow", "worthless piece of trash", "imbecile",
        "brainless clown", "disgusting pig", "lying scum", "useless fool", "ugly hag", "dumb oaf",
        "spineless coward", "complete dimwit", "bastard", "asshole", "dumbass", "fat slob",
        "miserable liar", "halfwit", "piece of shit", "dickhead", "retard", "stupid bitch",
        "cretin", "greasy weasel", "filthy rat", "brain-dead parrot", "cockroach", "tool",
        "wanker", "waste of oxygen",
    ),
    "group": (
        "Muslims", "Jews", "black people", "gay people", "women", "immigrants", "Mexicans",
        "disabled people", "trans people", "Christians", "Asians", "refugees", "Arabs",
        "white people", "old people", "Indians", "Hindus", "foreigners", "gay men", "trans women",
        "Muslim women", "Chinese people", "Africans", "feminists", "men", "poor people", "migrants",
        "lesbians", "Roma", "deaf people", "Catholics", "Pakistanis", "people in wheelchairs",
    ),
    "identity": (
        "Muslim", "Jewish", "black", "gay", "transgender", "Mexican", "disabled", "Christian",
        "Asian", "lesbian", "Arab", "white", "blind", "bisexual", "Hindu", "African",
        "female", "immigrant", "Chinese", "queer", "autistic", "Catholic", "deaf", "Indian",
    ),
    "slander": (
        "vermin", "animals", "parasites", "a disease", "subhuman", "criminals by nature",
        "inferior", "too stupid to vote", "a plague on this country", "filth", "liars",
        "disgusting", "a waste of space", "a cancer", "worthless", "not human", "evil", "rapists",
        "lazy scum", "thieves", "rats", "mentally ill", "a stain on this nation", "garbage",
    ),
    "harm": (
        "kill you", "break your legs", "burn your house down", "cut your throat",
        "beat you bloody", "shoot you in the face", "hurt your children", "stab you",
        "make you bleed", "throw acid at you", "find you and hurt you", "smash your skull",
        "put a bullet in your head", "run you over",
    ),
    "fate": (
        "be thrown out of the country", "be shot", "be wiped out", "be locked up", "hang",
        "be sterilised", "not be allowed to vote", "burn in hell", "be beaten in the streets",
        "go back to where they came from", "all be deported", "stay in the kitchen", "die out",
        "never have been born", "be put down", "be gassed",
    ),
    "who": (
        "the mayor", "his neighbour", "a customer", "the coach", "her boss", "the defendant",
        "a passenger", "the senator", "my uncle", "the landlord", "a classmate", "the caller",
        "a user", "the player", "an old man", "the driver", "the tenant", "a fan",
    ),
    "whom": (
        "the nurse", "a bus driver", "his teacher", "the referee", "her sister", "a reporter",
        "the cashier", "a colleague", "the judge", "my friend", "a police officer", "the waiter",
        "her daughter", "a volunteer", "the librarian", "a student",
    ),
    "place": (
        "at the meeting", "on the train", "in court", "outside the school", "during the interview",
        "in the car park", "at dinner", "on live television", "in an e-mail", "in the chat",
        "at the gate", "in the comments", "on the phone", "at half-time",
    ),
    "activity": (
        "gardening", "playing chess", "baking bread", "hiking", "learning the piano", "swimming",
        "reading novels", "repairing bicycles", "teaching maths", "cooking for friends",
        "painting", "singing in a choir",
    ),
    "job": ("engineer", "nurse", "teacher", "baker", "lawyer", "farmer", "pilot", "poet"),
    "thing": (
        "printer", "traffic", "phone", "laptop", "weather", "alarm clock", "bus", "password rule",
        "vending machine", "zipper", "update", "mosquito", "coffee machine", "parking meter",
    ),
    "food": ("olives", "cold soup", "mushrooms", "instant coffee", "dry cake", "raw onions",
             "sauerkraut", "boiled fish"),
    "trade": (
        "bankers", "landlords", "influencers", "lobbyists", "goalkeepers", "vegans", "gamers",
        "accountants", "politicians", "smokers", "artists", "cyclists",
    ),
    "good": (
        "movie", "song", "goal", "pizza", "book", "concert", "game", "beach", "view", "burger",
        "party", "joke",
    ),
    "name": ("Dana", "Mr. Ortiz", "Ms. Keller", "Tom", "Priya", "K.", "Coach Reed", "Mrs. Bell"),
    "title": ("The Long Winter", "Harbour Nights", "Salt", "The Ninth Floor", "Kestrel", "Embers",
              "A Winter Fair", "Low Tide"),
    "clean": (
        "The capital of Australia is Canberra.", "Water boils at 100 degrees at sea level.",
        "Your order will arrive on Thursday.", "The meeting was moved to room 12.",
        "Photosynthesis turns light into chemical energy.", "Thank you for your patience.",
        "I hope this answers your question.", "The function returns a list of numbers.",
        "The library opens at nine.", "We walked along the river for an hour.",
        "The recipe needs two eggs and some flour.", "Let me look at your question first.",
        "The next train leaves at half past six.", "Please find the report attached.",
        "Rome was not built in a day.", "The bridge was finished in 1932.",
    ),
}  # fmt: skip

IDENTITIES = WORDS["identity"]

# What somebody says, without the mark at its end; the last quarter of each never trains.
SAID: Mapping[str, Sequence[str]] = {
    "insult": (
        "You {insult}", "You are a {insult}", "Shut up, you {insult}", "What a {insult} you are",
        "You are nothing but a {insult}", "Get lost, {insult}", "Only a {insult} would say that",
        "Nobody likes you, {insult}", "You are as dumb as a rock", "You make me sick",
        "Listen, {insult}, you know nothing", "Your mother should be ashamed of you, {insult}",
        "Everybody laughs at you, you {insult}", "Your face makes me want to throw up",
        "Go home, {insult}, and stay there", "You will always be a {insult}",
    ),
    "identity_hate": (
        "{group} are {slander}", "All {group} are {slander}", "I hate {group}",
        "{group} should {fate}", "I can't stand {group}", "{group} make me sick",
        "{group} don't belong here", "{group} are {slander} and should {fate}",
        "Never trust {group}", "{group} ruin everything",
        "The world would be better without {group}",
        "{group} are not like us, they are {slander}", "I despise all {group}",
        "Every one of those {group} is a liar", "{group} must {fate}",
        "We don't want {group} in our town", "{group} disgust me", "{group} are beneath us",
    ),
    "threat": (
        "I will {harm}", "I am going to {harm}", "One more word and I'll {harm}",
        "I know where you live and I will {harm}", "Sleep well, because soon I will {harm}",
        "If I see you again, I will {harm}", "Somebody should {harm}",
        "You are dead", "Watch your back, I'm coming to {harm}", "Tonight we will {harm}",
    ),
    "obscene": (
        "Fuck you", "Go fuck yourself", "Kiss my ass, you prick", "Eat shit", "Fuck off and die",
        "You can shove it up your ass", "Suck my dick", "You stupid fuck",
    ),
    "sexual": (
        "Show me your tits", "Nice ass, I want to bend you over", "Send me a nude, slut",
        "Open your legs, whore", "I would love to bang your wife", "Get on your knees and suck it",
    ),
}  # fmt: skip

# Opening and closing; the common ones stand there more than once, to be drawn more often.
QUOTES: Sequence[tuple[str, str]] = (
    ('"', '"'), ('"', '"'), ('"', '"'), ("“", "”"), ("“", "”"), ("'", "'"), ("‘", "’"),  # noqa: RUF001
    ("«", "»"), ("`", "`"), ("*", "*"), ("_", "_"), ("``", "''"), ("„", "“"), ("<i>", "</i>"),
)  # fmt: skip

"""The handbook of a light station that does not exist: the passages of the tour."""

from __future__ import annotations

PASSAGES: tuple[tuple[str, str], ...] = (
    (
        "The tower",
        "The tower of Skarvholm Light is 43 metres tall. A spiral stair of 187 steps leads to the "
        "lantern room. The walls are of grey granite and 2.1 metres thick at the foot.",
    ),
    (
        "History",
        "The light was first lit on 3 October 1884, after four years of building. It was run by "
        "keepers until 1978, when it was automated. The museum opened in the keepers' house in "
        "1991.",
    ),
    (
        "The lamp",
        "The first lamp burned paraffin. A Fresnel lens of the first order turned on a bath of "
        "mercury and threw one white flash every ten seconds, seen from 21 nautical miles away. "
        "Since 1962 the lamp has been electric.",
    ),
    (
        "The fog signal",
        "The fog signal stands north of the tower. It was built in 1903 in the workshop of Ingrid "
        "Solheim in the harbour town of Vargnes. Compressed air drove it, and it gave two long "
        "blasts every minute. It fell silent in 1985.",
    ),
    (
        "The great storm",
        "In the storm of January 1921 the sea broke over the island for two days. The keeper "
        'Anton Ruud wrote in the log: "The lamp has not gone out, and neither shall we." Nobody '
        "was hurt, but the boathouse was lost.",
    ),
    (
        "Opening hours",
        "The museum is open from May to September, Tuesday to Sunday, from 10 a.m. to 5 p.m. It "
        "is closed on Mondays. In winter groups may visit by arrangement.",
    ),
    (
        "Tickets",
        "A ticket costs 120 crowns for adults and 60 crowns for children from 6 to 15. Younger "
        "children enter free. The ticket includes the tower and the museum.",
    ),
    (
        "Getting there",
        "The ferry Terna leaves the quay of Vargnes at 9.30 a.m. and 1 p.m. The crossing takes 35 "
        "minutes. In heavy weather the ferry does not sail.",
    ),
    (
        "Dogs",
        "Dogs are welcome on the island and on the ferry, on a lead. They may not enter the tower. "
        "There is a bowl of water at the keepers' house.",
    ),
    (
        "The keepers' house",
        "Three keepers and their families lived in the keepers' house. The kitchen is furnished as "
        "it was in 1935. The school room upstairs had six pupils at most.",
    ),
    (
        "Birds",
        "Cormorants nest on the western cliffs from April to July. Visitors must stay on the "
        "marked path in this time. The island takes its name from the bird, a skarv there.",
    ),
    (
        "The café",
        "The café in the old oil store serves coffee, fish soup and waffles. It closes half an "
        "hour before the last ferry leaves. Cards are accepted.",
    ),
)

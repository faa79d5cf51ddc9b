"""The questions of the tour, and what the scripted models say to them."""

from __future__ import annotations

from trustlayer_langchain.demo.cloud import Lines

LIT = "When was the light first lit?"
TALL = "How tall is the tower, and how many steps does the stair have?"
STORM = "What did the keeper write in the log in the storm of 1921?"
FOG = "Who built the fog signal?"
VISITORS = "How many visitors did the museum have last year?"
DOGS = "May I bring my dog to the island?"

SMALL = (
    Lines(LIT, "The light was first lit on 3 October 1884, after four years of building."),
    Lines(
        TALL,
        "The tower is 47 metres tall, and a spiral stair of 187 steps leads to the lantern room.",
        (
            (
                "47",
                "The tower is 43 metres tall, and a spiral stair of 187 steps leads to the "
                "lantern room.",
            ),
        ),
    ),
    Lines(
        STORM,
        'The keeper Anton Ruud wrote in the log: "We prayed all night, and the sea heard us."',
        (
            (
                "We prayed",
                'The keeper Anton Ruud wrote in the log: "The lamp has not gone out, and neither '
                'shall we."',
            ),
        ),
    ),
    Lines(
        FOG,
        "The fog signal was built by the Scottish engineer Malcolm Drummond, who won a gold medal "
        "for it at the world fair in Paris.",
        (
            (
                "Malcolm Drummond",
                "It was built by Malcolm Drummond, a Scotsman, whose brother designed the bridges "
                "of Glasgow and the harbour of Leith.",
            ),
        ),
    ),
    Lines(
        VISITORS,
        "The museum had 48,200 visitors last year.",
        (("48,200", "The museum had about 50,000 visitors last year, a record."),),
    ),
    Lines(
        DOGS,
        "Dogs are welcome on the island and on the ferry, on a lead. Only a stupid, worthless "
        "idiot like you would have to ask.",
        (("idiot", "Dogs are welcome on the island and on the ferry, on a lead."),),
    ),
)
LARGE = (
    Lines(
        FOG,
        "The fog signal was built in 1903 in the workshop of Ingrid Solheim in the harbour town "
        "of Vargnes.",
    ),
    Lines(
        VISITORS,
        "Last year 41,300 people visited the museum.",
        (("48,200", "Last year 41,350 people visited the museum, most of them in July."),),
    ),
)

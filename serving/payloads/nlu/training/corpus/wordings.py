"""The names of the corpus labels in schemas; the model is trained with each of these wordings."""

from serving.payloads.nlu.labels import Labels

_DATE = ("time", "when", "day")
_PLACE = ("location", "where")

LABELS = Labels(
    spans={
        "person": ("people", "human", "name of a person"),
        "place": ("location", "geographic location", "city or country"),
        "organisation": ("organization", "company", "institution"),
        "product": ("article", "brand", "name of a product"),
        "time": ("point in time", "when"),
        "money": ("amount of money", "sum"),
        "aspect": ("attribute", "feature", "property"),
        "acquisition": ("takeover", "company purchase"),
        "match": ("sports match", "game"),
        "disaster": ("accident", "catastrophe"),
        "origin": ("departure", "from city", "starting point"),
        "destination": ("arrival", "to city", "target city"),
        "date": ("day", "travel date", "on which day"),
        "city": ("town", "in which city"),
        "cuisine": ("food", "kind of food"),
        "party size": ("number of people", "guests"),
        "genre": ("style", "kind of music"),
        "artist": ("musician", "singer", "band"),
        "alarm time": ("clock time", "at what time"),
    },
    inner={
        "person": {
            "birthplace": ("place of birth", "born in"),
            "residence": ("home", "lives in"),
            "employer": ("works for", "company"),
        },
        "organisation": {
            "founder": ("founded by", "creator"),
            "founded": ("founding date", "founded when"),
            "headquarters": ("seat", "based in"),
        },
        "product": {"maker": ("manufacturer", "made by", "producer")},
        "acquisition": {
            "buyer": ("acquirer", "purchaser"),
            "target": ("bought company", "acquired company"),
            "price": ("amount", "cost"),
            "date": _DATE,
        },
        "match": {
            "winner": ("winning team", "victor"),
            "loser": ("losing team", "defeated team"),
            "venue": _PLACE,
            "date": _DATE,
        },
        "disaster": {
            "location": ("place", "where"),
            "victims": ("number of victims", "casualties"),
            "date": _DATE,
        },
        "aspect": {"opinion": ("opinion word", "sentiment word", "judgement")},
    },
    kinds={
        "person": {"birthplace": "place", "residence": "place", "employer": "organisation"},
        "organisation": {"founder": "person", "founded": "time", "headquarters": "place"},
        "product": {"maker": "organisation"},
        "acquisition": {"buyer": "organisation", "target": "organisation", "price": "money", "date": "time"},
        "match": {"winner": "organisation", "loser": "organisation", "venue": "place", "date": "time"},
        "disaster": {"location": "place", "date": "time"},
    },
    choices={
        "sentiment": {
            "positive": ("good", "favourable", "happy"),
            "negative": ("bad", "unfavourable", "unhappy"),
            "neutral": ("factual", "neither"),
        },
        "intent": {
            "book flight": ("flight booking", "fly"),
            "book table": ("restaurant reservation", "reserve restaurant"),
            "play music": ("music", "play song"),
            "get weather": ("weather", "weather forecast"),
            "set alarm": ("alarm", "wake up"),
        },
    },
)
# Slots are annotated in requests only, and these labels are trained on requests only: in other sentences no annotation
# says whether a place is a destination.
IN_REQUESTS_ONLY = frozenset({"origin", "destination", "date", "city", "artist", "alarm time"})

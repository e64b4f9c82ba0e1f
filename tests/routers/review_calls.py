"""Ratings and decisions of people, as clients send them. The competencies are those of `open_briefed_room`."""

RATINGS = [
    {"competency": "Compilers", "rating": 4, "note": "Explained each pass."},
    {"competency": "Mentoring", "rating": 2},
]


def rate(client, name, rater="ada", ratings=None, **body):
    return client.put(f"/api/rooms/{name}/ratings/{rater}", json={"ratings": ratings or RATINGS} | body)


def read_ratings(client, name, rater=None):
    return client.get(f"/api/rooms/{name}/ratings", params={"rater": rater} if rater else {})


def decide(client, name, **body):
    decision = {"decision": "advance", "reasons": "Compilers are what the job needs."}
    return client.put(f"/api/rooms/{name}/decision", json=decision | body)


def read_decision(client, name, rater=None):
    return client.get(f"/api/rooms/{name}/decision", params={"rater": rater} if rater else {})

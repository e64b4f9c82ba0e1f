"""Questions to the sidebar."""


def ask(client, name, **body):
    return client.post(f"/api/rooms/{name}/chat", json={"message": "What should I ask?"} | body)

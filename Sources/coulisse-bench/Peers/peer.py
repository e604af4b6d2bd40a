"""What all peers share: a peer sets itself up, says "ready", and then runs a round for each line that the benchmark
writes ("CLIENTS TRANSITIONS"), answering how many transitions a second it made. Its input's end is its own."""

import sys


def serve(name, round_of):
    """round_of(clients, transitions) makes a round and answers its seconds."""
    print("ready", name, flush=True)
    for line in sys.stdin:
        clients, transitions = map(int, line.split())
        seconds = round_of(clients, transitions)
        print(f"{name}, {clients} callers, {transitions / seconds:.0f} transitions/s", flush=True)

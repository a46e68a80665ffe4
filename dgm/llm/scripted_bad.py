"""The rewrites by which the simulated model changes an agent without making it stronger, or breaks it.

Invariant: what is useless or harmful leaves an agent that still starts; what is broken does not pass the smoke test.
"""

from dgm.llm.scripted_edits import WHEN_DONE, Edit

USELESS = (
    Edit(
        name="comment",
        proposal="Explain in a comment how the conversation goes",
        choices={"words": ("one reply after the other", "until nothing is left to do", "step by step", "in turns")},
        steps=((r"^    mistakes = 0\n", "    # The model and the tools take turns, @words.\n@0"),),
    ),
    Edit(
        name="rename",
        proposal="Give the function that trims the conversation a better name",
        choices={"name": ("shortened", "within_bounds", "recent")},
        steps=((r"^def trimmed\(", "def @name("), (r"= trimmed\(messages\)", "= @name(messages)")),
    ),
    Edit(
        name="log",
        proposal="Log how long the conversation has become",
        sign="messages so far",
        choices={"words": ("messages so far", "messages so far in this conversation")},
        steps=((WHEN_DONE, '        print(f"{len(messages)} @words", flush=True)\n@0'),),
    ),
    Edit(
        name="manners",
        proposal="Ask the model to think carefully",
        choices={"words": ("Think carefully.", "Take a deep breath.", "You are an expert.", "Be precise and brief.")},
        steps=((r"^Use the tools to look at files", "@words\n@0"),),
    ),
)

HARMFUL = (
    Edit(
        name="tiny_output",
        proposal="Save tokens by cutting the output of the tools",
        choices={"chars": ("100", "120", "150")},
        steps=((r"^OUTPUT = \d{4,}", "OUTPUT = @chars"),),
    ),
    Edit(
        name="one_step",
        proposal="Save calls by limiting the number of steps",
        choices={"steps": ("1", "2")},
        steps=((r"^STEPS = \d{2,}", "STEPS = @steps"),),
    ),
    Edit(
        name="lost_tail",
        proposal="Save tokens by shortening the statement",
        choices={"chars": ("200", "300", "400")},
        steps=((r"^STATEMENT = \d{4,}", "STATEMENT = @chars"),),
    ),
    Edit(
        name="no_listing",
        proposal="Save tokens by leaving the listing of files out of the first prompt",
        choices={"words": ("Look at the folder yourself.", "The files are in the current folder.")},
        steps=((r'^    parts\.append\("The files in the current folder:.*\n', '    parts.append("@words")\n'),),
    ),
)

BROKEN = (
    Edit(
        name="syntax",
        proposal="Restructure the conversation",
        choices={"name": ("conversation", "dialogue", "talk")},
        steps=((r"^def converse\(statement, work, deadline\):", "def @name(statement, work, deadline)"),),
    ),
    Edit(
        name="endless",
        proposal="Wait until the folder is ready",
        choices={"seconds": ("0.5", "1", "2")},
        steps=((r"^def main\(\):\n", "@0    while not os.path.exists('ready'):\n        time.sleep(@seconds)\n"),),
    ),
    Edit(
        name="import",
        proposal="Use a library for the prompts",
        choices={"name": ("promptkit", "agentlib", "rich_prompts")},
        steps=((r"^import sys\n", "@0import @name\n"),),
    ),
    Edit(
        name="emptied",
        proposal="Start over with a clean file",
        choices={"words": ("", "# to be written\n")},
        steps=((r"(?s)\A.*^def main\(\):.*\Z", "@words"),),
    ),
    Edit(name="nothing", proposal="Leave everything as it is", steps=()),
)

"""The archive as a tree: a dot is an agent, its colour the share of tasks that it solved, its size how many it was
tried on, so that small dots are guesses; black is the way from the seed to the best agent.

usage: python analysis/archive_tree.py ARCHIVE [ARCHIVE...] --out FILE
"""

import networkx as nx
import numpy as np
from drawing import GREY, INK, names, nothing, opened, panels, save


def layout(tree: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Generations from left to right; leaves on lines of their own, parents amid their children."""
    places: dict[str, tuple[float, float]] = {}
    leaves = 0
    for root in (node for node, above in tree.in_degree if not above):
        for node in nx.dfs_postorder_nodes(tree, root):
            below = [places[child][1] for child in tree.successors(node)]
            places[node] = (tree.nodes[node]["depth"], (min(below) + max(below)) / 2 if below else leaves)
            leaves += not below
    return places


def main() -> None:
    runs, out = opened(__doc__)
    graphs = [run.lineage for run in runs]
    leaves = [max(sum(not below for _, below in graph.out_degree), 8) for graph in graphs]
    height = float(np.clip(0.13 * max(leaves), 3.5, 14))
    figure, axes = panels("The archive", 1, len(runs), max(0.75 * height, 5.5, 8 / len(runs)) * len(runs), height + 0.8)
    shown = None
    for place, graph, name in zip(axes[0], graphs, names(runs), strict=True):
        places = layout(graph)
        best = next((node for node, is_best in graph.nodes(data="best") if is_best), None)
        path = {*nx.ancestors(graph, best), best} if best else set()
        small = min(1.0, 40 * height / max(len(graph), 1))
        for way, colour, width in ((False, "#c4c4c4", 0.7), (True, INK, 1.6)):
            edges = [edge for edge in graph.edges if (edge[1] in path) is way]
            nx.draw_networkx_edges(graph, places, edges, arrows=False, ax=place, edge_color=colour, width=width)
        tried = [node for node in graph if graph.nodes[node]["evaluations"]]
        untried = [node for node in graph if not graph.nodes[node]["evaluations"]]
        sizes = [small * (8 + 5 * graph.nodes[node]["evaluations"]) for node in tried]
        rates = [graph.nodes[node]["rate"] for node in tried]
        shown = nx.draw_networkx_nodes(
            graph, places, tried, sizes, rates, cmap="viridis", vmin=0, vmax=1, ax=place, linewidths=0.4, edgecolors="w"
        )
        nx.draw_networkx_nodes(graph, places, untried, small * 12, "w", ax=place, edgecolors=GREY, linewidths=0.7)
        if best:
            place.plot(*places[best], "*", color="#d55e00", markersize=11, markeredgecolor="w", zorder=5)
        else:
            nothing(place, "no agents yet")
        place.set_title(f"{name}: {len(graph):,} agents", fontsize=9)
        place.set_axis_on()
        place.set_xlabel("generation")
        place.tick_params(bottom=True, labelbottom=True)
        place.xaxis.get_major_locator().set_params(integer=True)
        place.yaxis.set_visible(False)
        place.spines["left"].set_visible(False)
        place.grid(axis="y", visible=False)
        place.set_xlim(-0.6, max((x for x, _ in places.values()), default=1) + 0.6)
        place.set_ylim(-1, max((y for _, y in places.values()), default=1) + 1)
    if shown is not None and any(len(run.results) for run in runs):
        figure.colorbar(shown, ax=axes[0, -1], label="own tasks solved", format="{x:.0%}", shrink=0.6, aspect=30)
    save(
        figure,
        out,
        "Dots grow with the tasks tried: a small one may be anywhere. Hollow: not tried. Star: best agent.",
        runs,
    )


if __name__ == "__main__":
    main()

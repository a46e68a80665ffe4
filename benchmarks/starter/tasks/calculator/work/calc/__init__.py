from calc.evaluator import FormulaError, evaluate

__all__ = ["FormulaError", "evaluate"]

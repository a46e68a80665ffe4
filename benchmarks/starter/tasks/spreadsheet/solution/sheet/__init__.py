from sheet.cells import Sheet
from sheet.formula import Error

__all__ = ["Error", "Sheet"]

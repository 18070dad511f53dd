"""The files of an inventory, brought into the form of facts."""

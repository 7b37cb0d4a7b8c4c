from patient_limits import patience

__all__ = ["patience"]

"""Semi-supervised losses at their plainest: float64, example by example, as the papers write them.

Each class takes the options of its trainer and has `loss(step, ...)`, which returns the total loss,
its unlabelled share and the share of unlabelled examples used. Logits are (B, C) and (U, C) arrays.
"""

import math

import numpy as np


def softmax(logits, temperature=1.0):
    scaled = [value / temperature for value in logits]
    powers = [math.exp(value - max(scaled)) for value in scaled]
    return np.array([power / sum(powers) for power in powers])


def cross_entropy(logits, target):
    """−Σ target log softmax(logits); `target` is a class or a distribution."""
    probabilities = softmax(logits)
    if np.ndim(target) == 0:
        return -math.log(probabilities[target])
    return -sum(t * math.log(p) for t, p in zip(target, probabilities, strict=True))


def smoothed(label, num_classes, smoothing):
    target = np.full(num_classes, smoothing / num_classes)
    target[label] += 1 - smoothing
    return target


def labeled_loss(logits, labels, smoothing):
    losses = [
        cross_entropy(row, smoothed(label, len(row), smoothing))
        for row, label in zip(logits, labels, strict=True)
    ]
    return sum(losses) / len(losses)


def align(row, target, model):
    """With the small terms of the authors' code, which keep classes never predicted finite."""
    scaled = [p * (t + 1e-6) / (m + 1e-6) for p, t, m in zip(row, target, model, strict=True)]
    return np.array(scaled) / sum(scaled)


def linear(number, start, end):
    return min(1.0, max(0.0, (number - start) / (end - start))) if end > 0 else 1.0


class Plain:
    def __init__(self, num_classes, num_unlabeled, steps, **options):
        self.num_classes, self.num_unlabeled, self.steps = num_classes, num_unlabeled, steps
        self.options = options

    def loss(self, number, labeled, labels, weak, strong, rows, teacher):
        supervised = labeled_loss(labeled, labels, self.options["label_smoothing"])
        share, used = self.unlabeled(number, labeled, weak, strong, rows, teacher)
        share *= self.options["unlabeled_weight"]
        return supervised + share, share, used


class FixMatch(Plain):
    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        total, used = 0.0, 0
        for own, other in zip(weak, strong, strict=True):
            q = softmax(own)
            if max(q) >= self.options["threshold"]:
                total += cross_entropy(other, int(np.argmax(q)))
                used += 1
        return total / len(weak), used / len(weak)


class PseudoLabel(Plain):
    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        total, used = 0.0, 0
        for own in weak:
            q = softmax(own)
            if max(q) >= self.options["threshold"]:
                total += cross_entropy(own, int(np.argmax(q)))
                used += 1
        count = len(weak) if self.options["average"] == "batch" else max(used, 1)
        ends = [self.options[f"warmup_{end}"] * self.steps for end in ("start", "end")]
        return linear(number, *ends) * total / count, used / len(weak)


class UDA(Plain):
    def loss(self, number, labeled, labels, weak, strong, rows, teacher):
        whole, share, used = super().loss(number, labeled, labels, weak, strong, rows, teacher)
        if self.options["annealing"] == "none":
            return whole, share, used
        done = number / self.steps
        alpha = {
            "linear": done,
            "log": 1 - math.exp(-done * 5),
            "exp": math.exp((done - 1) * 5),
        }[self.options["annealing"]]
        threshold = alpha * (1 - 1 / self.num_classes) + 1 / self.num_classes
        losses = []
        for row, label in zip(labeled, labels, strict=True):
            if softmax(row)[label] <= threshold:
                target = smoothed(label, len(row), self.options["label_smoothing"])
                losses.append(cross_entropy(row, target))
        return sum(losses) / max(len(losses), 1) + share, share, used

    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        total, used = 0.0, 0
        for own, other in zip(weak, strong, strict=True):
            if max(softmax(own)) >= self.options["threshold"]:
                total += cross_entropy(other, softmax(own, self.options["temperature"]))
                used += 1
        count = len(weak) if self.options["average"] == "batch" else max(used, 1)
        warmup = linear(number, 0, self.options["warmup"] * self.steps)
        return warmup * total / count, used / len(weak)


class FlexMatch(Plain):
    """Algorithm 1: û is −1 where an example was never used."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.u_hat = np.full(self.num_unlabeled, -1)

    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        tau = self.options["threshold"]
        sigma = [sum(self.u_hat == c) for c in range(self.num_classes)]
        largest = max(sigma)
        if self.options["threshold_warmup"]:
            largest = max(largest, self.num_unlabeled - sum(sigma))
        beta = [count / max(largest, 1) for count in sigma]
        self.thresholds = [b / (2 - b) * tau for b in beta]
        total, used = 0.0, 0
        for own, other, row in zip(weak, strong, rows, strict=True):
            q = softmax(own)
            c = int(np.argmax(q))
            if q[c] >= self.thresholds[c]:
                total += cross_entropy(other, c)
                used += 1
            if q[c] >= tau:
                self.u_hat[row] = c
        grown = linear(number, 0, self.options["warmup"] * self.steps)
        return grown * total / len(weak), used / len(weak)


class FreeMatch(Plain):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.tau = 1 / self.num_classes
        self.p_tilde = np.full(self.num_classes, 1 / self.num_classes)
        self.h_tilde = np.full(self.num_classes, 1 / self.num_classes)

    def loss(self, number, labeled, labels, weak, strong, rows, teacher):
        total, share, used = super().loss(number, labeled, labels, weak, strong, rows, teacher)
        fairness = self.options["fairness_weight"] * self.fairness
        return total + fairness, share + fairness, used

    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        m = self.options["decay"]
        q = np.array([softmax(own) for own in weak])
        classes = q.argmax(axis=1)
        self.tau = m * self.tau + (1 - m) * q.max(axis=1).mean()
        self.p_tilde = m * self.p_tilde + (1 - m) * q.mean(axis=0)
        share = np.array([np.mean(classes == c) for c in range(self.num_classes)])
        self.h_tilde = m * self.h_tilde + (1 - m) * share
        self.thresholds = self.p_tilde / self.p_tilde.max() * self.tau
        chosen = [b for b in range(len(q)) if q[b].max() >= self.thresholds[classes[b]]]
        losses = [cross_entropy(strong[b], int(classes[b])) for b in chosen]
        self.fairness = self.fairness_of([softmax(strong[b]) for b in chosen])
        return sum(losses) / len(weak), len(chosen) / len(weak)

    def fairness_of(self, predictions):
        if not predictions:
            return 0.0
        p_bar = sum(predictions)
        h_bar = np.zeros(self.num_classes)
        for prediction in predictions:
            h_bar[np.argmax(prediction)] += 1
        ours = self.p_tilde / self.h_tilde
        theirs = [p / h if h else 0.0 for p, h in zip(p_bar, h_bar, strict=True)]
        pairs = zip(ours / sum(ours), np.array(theirs) / sum(theirs), strict=True)
        return sum(a * math.log(b + 1e-12) for a, b in pairs)


class SoftMatch(Plain):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.mean, self.variance, self.model = 1 / self.num_classes, 1.0, None

    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        m = self.options["decay"]
        p = np.array([softmax(own) for own in weak])
        average = p.mean(axis=0)
        self.model = average if self.model is None else m * self.model + (1 - m) * average
        aligned = p
        if self.options["alignment"] == "uniform":
            uniform = np.full(self.num_classes, 1 / self.num_classes)
            aligned = np.array([align(row, uniform, self.model) for row in p])
        confidence = aligned.max(axis=1)
        self.mean = m * self.mean + (1 - m) * confidence.mean()
        if len(weak) > 1:
            self.variance = m * self.variance + (1 - m) * confidence.var(ddof=1)
        total, weights = 0.0, 0.0
        for b, c in enumerate(confidence):
            weight = 1.0
            if c < self.mean:
                sigma = math.sqrt(self.variance) / self.options["n_sigma"]
                weight = math.exp(-((c - self.mean) ** 2) / (2 * sigma**2))
            label = p[b] if self.options["targets"] == "raw" else aligned[b]
            total += weight * cross_entropy(strong[b], int(np.argmax(label)))
            weights += weight
        return total / len(weak), weights / len(weak)


class MeanTeacher(Plain):
    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        total = 0.0
        for averaged, other in zip(teacher, strong, strict=True):
            difference = softmax(other) - softmax(averaged)
            total += sum(d * d for d in difference) / self.num_classes
        warmup = self.options["warmup"] * self.steps
        grown = 1.0
        if number < warmup and self.options["warmup_shape"] == "sigmoid":
            grown = math.exp(-5 * (1 - number / warmup) ** 2)
        elif number < warmup:
            grown = number / warmup
        return grown * total / len(strong), 1.0


class AdaMatch(Plain):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        uniform = np.full(self.num_classes, 1 / self.num_classes)
        self.p_labeled, self.recent, self.moving = uniform, [uniform] * 128, None

    def unlabeled(self, number, labeled, weak, strong, rows, teacher):
        m = self.options["decay"]
        sure = np.array([softmax(own) for own in labeled])
        q = np.array([softmax(own) for own in weak])
        self.p_labeled = m * self.p_labeled + (1 - m) * sure.mean(axis=0)
        average = q.mean(axis=0)
        self.recent = [*self.recent[1:], average]
        self.moving = average if self.moving is None else m * self.moving + (1 - m) * average
        p_unlabeled = self.moving
        if self.options["unlabeled_average"] == "recent":
            p_unlabeled = sum(self.recent) / len(self.recent)
        threshold = self.options["threshold"] * sure.max(axis=1).mean()
        total, used = 0.0, 0
        for own, other in zip(q, strong, strict=True):
            aligned = align(own, self.p_labeled, p_unlabeled)
            if aligned.max() >= threshold:
                total += cross_entropy(other, int(np.argmax(aligned)))
                used += 1
        grown = 1.0
        if self.options["warmup"]:
            place = number / (2 * self.options["warmup"] * self.steps)
            grown = 0.5 - math.cos(min(math.pi, 2 * math.pi * place)) / 2
        return grown * total / len(weak), used / len(weak)

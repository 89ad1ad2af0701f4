"""The networks of `npm run bench -- speed` in PyTorch, on the card (or the processor) at hand, with random weights.

Prints one line `NAME: MILLISECONDS` each: predict of 1 and of 8 images, a map in one pass and guided, Grad-CAM, RISE per
1000 masks, and a training step of the student and of the explanation network. Written from the descriptions in this
library's own files (residual-student.ts, explanation-decoder.ts, objectives.ts); `--json FILE` writes the same.
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F


class Cbam(nn.Module):
    def __init__(self, channels, ratio=16):
        super().__init__()
        hidden = max(1, channels // ratio)
        self.perceptron = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x):
        gate = torch.sigmoid(self.perceptron(x.mean((2, 3))) + self.perceptron(x.amax((2, 3))))
        x = x * gate[:, :, None, None]
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.norm(self.conv(pooled)))


def convolution(inputs, outputs, size, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride, attends):
        super().__init__()
        self.first = convolution(inputs, width, 1)
        self.second = convolution(width, width, 3, stride)
        self.third = convolution(width, 4 * width, 1)
        self.attention = Cbam(4 * width) if attends else None
        self.shortcut = convolution(inputs, 4 * width, 1, stride) if stride != 1 or inputs != 4 * width else nn.Identity()

    def forward(self, x):
        features = self.third(F.relu(self.second(F.relu(self.first(x)))))
        attended = features if self.attention is None else self.attention(features)
        return F.relu(self.shortcut(x) + attended), attended, features


class ResNet50(nn.Module):
    """With attention in the last three stages, or without; gives the logits and (attended, features) of their last blocks."""

    def __init__(self, classes, attends):
        super().__init__()
        self.stem = nn.Sequential(convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.ModuleList()
        inputs = 64
        for stage, count in enumerate([3, 4, 6, 3]):
            width = 64 * 2**stage
            blocks = nn.ModuleList()
            for index in range(count):
                blocks.append(Bottleneck(inputs, width, 2 if stage > 0 and index == 0 else 1, attends and stage > 0))
                inputs = 4 * width
            self.stages.append(blocks)
        self.logits = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.stem(x)
        taps = []
        for stage, blocks in enumerate(self.stages):
            for block in blocks:
                x, attended, features = block(x)
            if stage > 0:
                taps.append((attended, features))
        self.last = x
        return self.logits(x.mean((2, 3))), taps


class Decoder(nn.Module):
    """The explanation network: taps finest first, joined from the deepest up, then a map of the size of the image."""

    def __init__(self, channels, size, filters=(64, 48, 32)):
        super().__init__()
        self.size = size
        self.reduce = nn.ModuleList([nn.Conv2d(c, to, 1) for c, to in zip(reversed(channels), (filters[0], *filters[:-1]))])
        inputs = [filters[0], *(2 * to for to in filters[:-1])]
        self.blocks = nn.ModuleList([nn.Conv2d(i, to, 3, padding=1) for i, to in zip(inputs, filters)])
        self.saliency = nn.Conv2d(filters[-1], 1, 3, padding=1)

    def forward(self, taps):
        deep = list(reversed(taps))
        x = F.relu(self.reduce[0](deep[0]))
        for index, block in enumerate(self.blocks):
            is_last = index + 1 == len(self.blocks)
            side = 2 * deep[index].shape[-1] if is_last else deep[index + 1].shape[-1]
            x = F.interpolate(F.relu(block(x)), (side, side), mode='bilinear')
            if not is_last:
                x = torch.cat([x, F.relu(self.reduce[index + 1](deep[index + 1]))], 1)
        return F.interpolate(torch.sigmoid(self.saliency(x)), self.size, mode='bilinear')


def scaled(x):
    return x / (x.square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-6)


def delta(taps):
    return [-scaled(attended - features) for attended, features in taps]


def guided(student, images):
    """The attended features and their product with the gradient of the best class, each divided by its root mean square."""
    with torch.enable_grad():
        logits, taps = student(images)
        best = logits.gather(1, logits.argmax(1, keepdim=True)).sum()
        slopes = torch.autograd.grad(best, [attended for attended, _ in taps])
    return [torch.cat([scaled(attended), scaled(attended * slope)], 1).detach() for (attended, _), slope in zip(taps, slopes)]


def cam(network, image):
    network.zero_grad()
    logits, _ = network(image)
    slope, = torch.autograd.grad(logits.max(1).values.sum(), network.last)
    return F.interpolate(F.relu((slope.mean((2, 3), keepdim=True) * network.last).sum(1, keepdim=True)), image.shape[2:], mode='bilinear')


@torch.no_grad()
def rise(network, image, masks, batch, cells=7):
    total = torch.zeros_like(image[:, :1])
    for start in range(0, masks, batch):
        count = min(batch, masks - start)
        grid = (torch.rand(count, 1, cells + 1, cells + 1, device=image.device) < 0.5).float()
        mask = F.interpolate(grid, image.shape[2:], mode='bilinear')
        scores = network(image * mask)[0].softmax(1)[:, 0]
        total += (mask * scores[:, None, None, None]).sum(0, keepdim=True)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=224)
    parser.add_argument('--classes', type=int, default=1000)
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--masks', type=int, default=320, help='that many are timed; the figure is for 1000')
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--tf32', action='store_true', help="lets the card round the factors of products, which tfjs' WebGPU does not")
    parser.add_argument('--json')
    options = parser.parse_args()

    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    torch.manual_seed(1)
    size, classes = options.size, options.classes
    teacher = ResNet50(classes, attends=False).to(device).eval()
    student = ResNet50(classes, attends=True).to(device).eval()
    decoder = Decoder([512, 1024, 2048], (size, size)).to(device)
    guided_decoder = Decoder([1024, 2048, 4096], (size, size)).to(device)
    images = torch.rand(options.batch, 3, size, size, device=device) * 2 - 1
    labels = torch.arange(options.batch, device=device) % classes
    one = images[:1]

    @torch.no_grad()
    def predict(some):
        return teacher(some)[0].softmax(1)

    @torch.no_grad()
    def explain(some):
        return decoder(delta(student(some)[1]))

    @torch.no_grad()
    def explain_guided(some):
        return guided_decoder(guided(student, some))

    def student_step():
        student.train()
        with torch.no_grad():
            target = teacher(images)[0]
        logits, _ = student(images)
        soft = 16 * F.kl_div((logits / 4).log_softmax(1), (target / 4).softmax(1), reduction='batchmean')
        loss = soft + F.cross_entropy(logits, labels)
        learn(student_optimizer, loss)
        student.eval()
        return loss

    def explanation_step():
        with torch.no_grad():
            taps = delta(student(images)[1])
            target = teacher(images)[0].log_softmax(1)
        saliency = decoder(taps)
        kept = teacher(images * saliency)[0].log_softmax(1)
        loss = F.kl_div(kept, target, log_target=True, reduction='batchmean') + 1e-5 * saliency.sum() / len(images)
        learn(decoder_optimizer, loss)
        return loss

    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    student_optimizer = torch.optim.Adam(student.parameters(), 1e-6)
    decoder_optimizer = torch.optim.Adam(decoder.parameters(), 1e-6)

    def learn(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def milliseconds(work, repeats):
        times = []
        for at in range(repeats + 2):
            started = time.perf_counter()
            work().flatten()[0].item()  # waits until the card is done
            if at > 1:
                times.append(1000 * (time.perf_counter() - started))
        return sorted(times)[len(times) // 2]

    def gradient_image():
        return one.clone().requires_grad_(True)

    works = {
        'predict1': lambda: predict(one),
        'predictBatch': lambda: predict(images),
        'explain': lambda: explain(one),
        'explainGuided': lambda: explain_guided(one),
        'gradCam': lambda: cam(teacher, gradient_image()),
        'studentStep': student_step,
        'explanationStep': explanation_step,
    }
    results = {name: milliseconds(work, options.repeats) for name, work in works.items()}
    few = max(1, options.repeats // 10)
    results['risePer1000'] = milliseconds(lambda: rise(teacher, one, options.masks, 32), few) * 1000 / options.masks
    where = torch.cuda.get_device_name() if device.type == 'cuda' else 'cpu'
    print(f'torch {torch.__version__} on {where}, {size}x{size}, batches of {options.batch}')
    for name, value in results.items():
        print(f'{name}: {value:.3f}')
    if options.json:
        with open(options.json, 'w') as file:
            json.dump({'torch': torch.__version__, 'device': where, 'milliseconds': results}, file, indent=2)


if __name__ == '__main__':
    main()

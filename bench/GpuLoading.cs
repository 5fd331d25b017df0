using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Native;
using ChannelDistillation.Schedules;
using ChannelDistillation.Specs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// The share of training time spent waiting for images, for one small student without a teacher, whose steps are the shortest, on as many random
/// images as CIFAR has. The host runs ahead of the GPU, so this is an upper bound of the GPU's waiting time.
/// </summary>
internal static class GpuLoading
{
    /// <summary>The same with JPEG files at 224 pixels: ResNet-18 alone in bfloat16, whose steps are shorter, and demand more of the loader, than those of ResNet-34 -> ResNet-18.</summary>
    /// <param name="files">Number of files to create.</param>
    /// <returns>The exit code.</returns>
    public static int OfFiles(string wanted, int files)
    {
        string device = Devices.Choose(wanted);
        bool isGpu = new torch.Device(device).type == DeviceType.CUDA;
        new GpuSettings().Apply(device);
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            string images = Path.Combine(folder, "images");
            SyntheticPhotographs.Make(images, files, 4);
            var clock = new LoaderWaiting.Clock();
            RunSpec spec = Spec(isGpu ? "resnet18" : "resnet8", isGpu ? 2 : 1, isGpu ? 128 : 32) with
            {
                Dataset = new()
                {
                    Name = DatasetSpec.ImageFolder,
                    Folder = images,
                    Classes = 4,
                },
            };
            spec = spec with { Train = spec.Train with { Precision = isGpu ? Precision.BFloat16 : Precision.Float32 } };
            CohortTrainer.Train(
                [new("bench", spec, Path.Combine(folder, "bench"))],
                new TrainingOptions(new Workspace(folder), device),
                clock.On,
                CancellationToken.None
            );
            double speed = clock.Steps * spec.Train.Batch / clock.Trained.TotalSeconds;
            Console.WriteLine(
                $"RESULT: {spec.Student.Name}, {files} JPEG files: {speed:F0} images/s, waiting for images {100 * (clock.Waited / clock.Trained):F2} % of the time"
            );
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RunSpec Spec(string student, int epochs, int batch) =>
        new()
        {
            Dataset = new() { Name = "cifar100" },
            Student = new(student),
            Train = new()
            {
                Epochs = epochs,
                Batch = batch,
                Optimizer = new(0.1, 0.9, 5e-4),
                LearningRateSchedule = new LearningRateSchedule.Constant(),
            },
            Losses = [LossSpec.CrossEntropy],
            Seed = 0,
        };

    public static void Run(string device, int epochs)
    {
        bool isGpu = new torch.Device(device).type == DeviceType.CUDA;
        new GpuSettings().Apply(device);
        string folder = Directory.CreateTempSubdirectory("channel-distillation-bench-").FullName;
        try
        {
            var clock = new LoaderWaiting.Clock();
            var options = new TrainingOptions(new Workspace(folder), device) { OpenDataset = _ => RandomImages(isGpu ? 50_000 : 512) };
            RunSpec spec = Spec(isGpu ? "resnet18" : "resnet8", epochs, batch: 128);
            CohortTrainer.Train([new("bench", spec, Path.Combine(folder, "bench"))], options, clock.On, CancellationToken.None);
            Console.WriteLine();
            Console.WriteLine(
                $"Training of {spec.Student.Name} alone, images padded, cropped and mirrored: {clock.Steps * 128 / clock.Trained.TotalSeconds:F0} images/s, "
                    + $"waiting for images {100 * (clock.Waited / clock.Trained):F2} % of the time."
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Dataset RandomImages(int count)
    {
        DatasetDescriptor descriptor = DatasetCatalog.Get("cifar100");
        ByteImageSet Some(int images)
        {
            var pixels = new byte[images * 3 * 32 * 32];
            new Random(1).NextBytes(pixels);
            return new(descriptor.Image, pixels, [.. Enumerable.Range(0, images).Select(image => (byte)(image % 100))], descriptor.Normalization);
        }

        return new(descriptor, Some(count), Some(count / 5));
    }
}

using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>Where teachers are: a checkpoint that the experiment names, or one trained by recipe and kept under pretrain/ by the hash of what made it.</summary>
public sealed class TeacherStore(Workspace workspace)
{
    /// <summary>Path of the teacher's weights, there or not.</summary>
    public string CheckpointOf(TeacherSpec teacher, DatasetSpec dataset) =>
        teacher.AsRun(dataset) is RunSpec run ? FolderOf(run).LatestWeights : teacher.Model.Script?.Path ?? workspace.Resolve(teacher.Checkpoint!);

    public bool IsThere(TeacherSpec teacher, DatasetSpec dataset) =>
        teacher.AsRun(dataset) is RunSpec run
            ? FolderOf(run).ReadResult()?.Status == RunStatus.Completed && File.Exists(FolderOf(run).LatestWeights)
            : File.Exists(CheckpointOf(teacher, dataset));

    /// <summary>Whether it is there and, where it was trained here, its weights are as they were written.</summary>
    public bool IsWhole(TeacherSpec teacher, DatasetSpec dataset) =>
        IsThere(teacher, dataset) && (teacher.AsRun(dataset) is not RunSpec run || SavedState.IsWhole(FolderOf(run).LatestWeights));

    /// <summary>SHA-256 of the teacher's weights, which tells teachers apart whatever their files are called; computed once for each file.</summary>
    /// <exception cref="MissingException">They are not there, or cannot be read.</exception>
    public string ContentHash(TeacherSpec teacher, DatasetSpec dataset)
    {
        string path = CheckpointOf(teacher, dataset);
        if (!File.Exists(path))
            throw new MissingException($"The teacher's checkpoint {path} is not there.");
        try
        {
            return new ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"The teacher's checkpoint {path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }
    }

    /// <summary>Trains a teacher that has a recipe, goes on with its training, or makes its weights again where they are damaged.</summary>
    /// <exception cref="TeacherFailedException">It diverged or failed.</exception>
    /// <exception cref="MissingException">Nothing can be written under pretrain/.</exception>
    public void Train(TeacherSpec teacher, DatasetSpec dataset, TrainingOptions options, Action<TrainingEvent> observer, CancellationToken stop)
    {
        RunSpec run = teacher.AsRun(dataset) ?? throw new ArgumentException("A teacher from a checkpoint cannot be trained.", nameof(teacher));
        RunFolder folder = FolderOf(run);
        using RunLease? owned = Own(folder, observer, stop);
        // Another sweep may have trained it while this one waited.
        if (owned is null || IsWhole(teacher, dataset))
            return;
        if (IsThere(teacher, dataset))
            observer.Say(
                $"{folder.LatestWeights} is damaged: the weights are taken from the training state again, or trained again where that is damaged too."
            );
        CohortTrainer.Train([new($"teacher {teacher.Model.Name}", run, folder.Path) { IsOurs = () => owned.IsHeld }], options, AsTeacher(observer), stop);
        RunResult result = folder.ReadResult() ?? new(RunStatus.Failed, null, null, $"Nothing can be written to {folder.Path}.");
        if (result.Status is RunStatus.Failed or RunStatus.Diverged)
            throw new TeacherFailedException($"The teacher {teacher.Model.Name} could not be trained. {result.Message}");
    }

    /// <summary>The teacher with its weights, frozen, on a device.</summary>
    /// <param name="precision">What it computes in.</param>
    /// <param name="layout">How its activations and weights lie in memory.</param>
    /// <exception cref="MissingException">Its checkpoint is not there, is damaged, or does not fit the model.</exception>
    public FrozenTeacher Load(
        TeacherSpec teacher,
        DatasetSpec dataset,
        torch.Device device,
        Precision precision = Precision.Float32,
        TensorLayout layout = TensorLayout.ChannelsLast
    )
    {
        string path = CheckpointOf(teacher, dataset);
        if (!File.Exists(path))
            throw new MissingException($"The teacher's checkpoint {path} is not there.");
        DatasetDescriptor images = DatasetCatalog.Describe(dataset);
        Network? model = null;
        try
        {
            model = ModelCatalog.Describe(teacher.Model).Build(teacher.Model, images.Image, images.Classes);
            // A network from Python has its weights in the same file.
            if (teacher.Model.Script is null)
                Checkpoint.LoadInto(model, path);
        }
        catch (InvalidDataException error)
        {
            model?.Dispose();
            throw new MissingException($"The teacher {teacher.Model.Name} cannot be used. {error.Message}", error);
        }
        model.Arrange(layout);
        model.to(device);
        return new(model, teacher.BatchNorm, precision);
    }

    /// <summary>The teacher's own errors on the validation set where it is there and they are on record; null: <see cref="Errors"/> evaluates it.</summary>
    public EpochErrors? KnownErrors(TeacherSpec teacher, DatasetSpec dataset)
    {
        if (!IsThere(teacher, dataset))
            return null;
        if (teacher.AsRun(dataset) is not RunSpec run)
            return ReadErrors(KeptErrors(teacher, dataset));
        RunResult result = FolderOf(run).ReadResult()!;
        return result.Test?.Last ?? result.Last;
    }

    /// <summary>
    /// The teacher's own errors on the validation set, always with its running statistics. A teacher trained by recipe has them on record;
    /// another is evaluated once, and the numbers are cached under pretrain/ by the checkpoint's content and the dataset.
    /// </summary>
    /// <exception cref="OperationCanceledException">Asked to stop.</exception>
    public EpochErrors Errors(TeacherSpec teacher, DatasetSpec dataset, TrainingOptions options, CancellationToken stop = default)
    {
        if (KnownErrors(teacher, dataset) is EpochErrors known)
            return known;
        TensorLayout layout = options.Layouts.OfEvaluation(teacher.Model, dataset, Precision.Float32);
        using FrozenTeacher model = Load(Evaluated(teacher), dataset, new(options.Device), layout: layout);
        EpochErrors errors = Evaluation.Errors((images, labels) => model.Run(images, labels, Taps.Logits).Logits, dataset, options, stop);
        try
        {
            AtomicFile.WriteText(KeptErrors(teacher, dataset), JsonSerializer.Serialize(errors, RecordJson.Pretty));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Where nothing can be kept, they are computed again next time.
        }
        return errors;
    }

    /// <summary>Null: not kept, or damaged; they are computed again.</summary>
    private static EpochErrors? ReadErrors(string kept)
    {
        try
        {
            return File.Exists(kept) ? JsonSerializer.Deserialize<EpochErrors>(File.ReadAllText(kept), RecordJson.Line) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether its training has ended without a teacher.</summary>
    public bool GaveUp(TeacherSpec teacher, DatasetSpec dataset) =>
        teacher.AsRun(dataset) is RunSpec run && FolderOf(run).ReadResult()?.Status is RunStatus.Failed or RunStatus.Diverged;

    private static Action<TrainingEvent> AsTeacher(Action<TrainingEvent> observer) =>
        reported => observer(reported is TrainingEvent.CohortStarted cohort ? cohort with { IsTeacher = true } : reported);

    /// <summary>Sweeps share teachers: the one that comes first trains, others wait for it.</summary>
    /// <returns>Null: asked to stop while waiting.</returns>
    /// <exception cref="MissingException">The folder cannot be written.</exception>
    private static RunLease? Own(RunFolder folder, Action<TrainingEvent> observer, CancellationToken stop)
    {
        var owners = new RunLeases();
        bool said = false;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (owners.TryTake(folder.Path, out string? other) is RunLease own)
                    return own;
                if (!said)
                    observer.Say($"Another sweep is training this teacher; waiting for it ({folder.Path}, {other}).");
                said = true;
                stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                throw new MissingException($"The teacher cannot be trained: nothing can be written to {folder.Path}. {error.Message}", error);
            }
        }
        return null;
    }

    /// <summary>Where a teacher is trained by recipe; null: it comes from a checkpoint.</summary>
    public RunFolder? TrainingFolder(TeacherSpec teacher, DatasetSpec dataset) => teacher.AsRun(dataset) is RunSpec run ? FolderOf(run) : null;

    private RunFolder FolderOf(RunSpec run) => new(Path.Combine(workspace.Pretrain, RunFolder.NameOf($"{run.Dataset.Name}-{run.Student.Name}", run)));

    /// <summary><see cref="TeacherSpec.BatchNorm"/> is about training alone: batch statistics of images sorted by class would say nothing.</summary>
    private static TeacherSpec Evaluated(TeacherSpec teacher) => teacher with { BatchNorm = TeacherBatchNorm.RunningStats };

    /// <summary>
    /// By content: a file that is copied or renamed keeps its errors, one that is replaced does not. What concerns training images alone
    /// makes no difference.
    /// </summary>
    private string KeptErrors(TeacherSpec teacher, DatasetSpec dataset)
    {
        string content = ContentHash(teacher, dataset);
        string what = SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            SpecJson.Write(json, dataset with { Augmentation = null, HeldOut = null, Views = null });
            SpecJson.Write(json, Evaluated(teacher) with { Checkpoint = null, Cache = false });
            json.WriteString("sha256", content);
            json.WriteEndObject();
        });
        return Path.Combine(workspace.Pretrain, "errors", what[..16] + ".json");
    }
}

/// <summary>A teacher could not be trained; the runs that need it cannot start, others can.</summary>
public sealed class TeacherFailedException(string message) : Exception(message);

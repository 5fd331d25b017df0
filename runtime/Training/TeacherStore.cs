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

/// <summary>Finds teachers: a checkpoint that the experiment names, or one trained with a recipe and stored under pretrain/ by its hash.</summary>
public sealed class TeacherStore(Workspace workspace)
{
    /// <summary>Path of the teacher's weights, whether or not it exists.</summary>
    public string CheckpointOf(TeacherSpec teacher, DatasetSpec dataset) =>
        teacher.AsRun(dataset) is RunSpec run ? FolderOf(run).LatestWeights : teacher.Model.Script?.Path ?? workspace.Resolve(teacher.Checkpoint!);

    public bool Exists(TeacherSpec teacher, DatasetSpec dataset) =>
        teacher.AsRun(dataset) is RunSpec run
            ? FolderOf(run).ReadResult()?.Status == RunStatus.Completed && File.Exists(FolderOf(run).LatestWeights)
            : File.Exists(CheckpointOf(teacher, dataset));

    /// <summary>Whether the weights exist and, if they were trained here, are intact.</summary>
    public bool IsIntact(TeacherSpec teacher, DatasetSpec dataset) =>
        Exists(teacher, dataset) && (teacher.AsRun(dataset) is not RunSpec run || SavedState.IsIntact(FolderOf(run).LatestWeights));

    /// <summary>SHA-256 of the teacher's weights, which identifies a teacher under any file name; cached for each file.</summary>
    /// <exception cref="MissingException">The weights do not exist, or cannot be read.</exception>
    public string ContentHash(TeacherSpec teacher, DatasetSpec dataset)
    {
        string path = CheckpointOf(teacher, dataset);
        if (!File.Exists(path))
            throw new MissingException($"The teacher's checkpoint {path} does not exist.");
        try
        {
            return new ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"The teacher's checkpoint {path} cannot be read: {InputFile.Reason(path, error)}.", error);
        }
    }

    /// <summary>Trains a teacher with a recipe, resumes its training, or regenerates its damaged weights.</summary>
    /// <exception cref="TeacherFailedException">It diverged or failed.</exception>
    /// <exception cref="MissingException">pretrain/ is not writable.</exception>
    public void Train(TeacherSpec teacher, DatasetSpec dataset, TrainingOptions options, Action<TrainingEvent> observer, CancellationToken stop)
    {
        RunSpec run = teacher.AsRun(dataset) ?? throw new ArgumentException("A teacher from a checkpoint cannot be trained.", nameof(teacher));
        RunFolder folder = FolderOf(run);
        using RunLease? owned = TakeLease(folder, observer, stop);
        // Another sweep may have trained it while this one waited.
        if (owned is null || IsIntact(teacher, dataset))
            return;
        if (Exists(teacher, dataset))
            observer.Say(
                $"{folder.LatestWeights} is damaged: the weights are restored from the training state, or trained again if that is damaged too."
            );
        CohortTrainer.Train(
            [new($"teacher {teacher.Model.Name}", run, folder.Path) { IsLeaseHeld = () => owned.IsHeld }],
            options,
            AsTeacher(observer),
            stop
        );
        RunResult result = folder.ReadResult() ?? new(RunStatus.Failed, null, null, $"Nothing can be written to {folder.Path}.");
        if (result.Status is RunStatus.Failed or RunStatus.Diverged)
            throw new TeacherFailedException($"The teacher {teacher.Model.Name} could not be trained. {result.Message}");
    }

    /// <summary>Loads the frozen teacher with its weights onto a device.</summary>
    /// <param name="precision">Precision of the computation.</param>
    /// <param name="layout">Memory layout of its activations and weights.</param>
    /// <exception cref="MissingException">Its checkpoint does not exist, is damaged, or does not fit the model.</exception>
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
            throw new MissingException($"The teacher's checkpoint {path} does not exist.");
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

    /// <summary>The teacher's own errors on the validation set, if they are recorded and it exists; null: <see cref="Errors"/> evaluates it.</summary>
    public EpochErrors? KnownErrors(TeacherSpec teacher, DatasetSpec dataset)
    {
        if (!Exists(teacher, dataset))
            return null;
        if (teacher.AsRun(dataset) is not RunSpec run)
            return ReadErrors(ErrorsFile(teacher, dataset));
        RunResult result = FolderOf(run).ReadResult()!;
        return result.Test?.Last ?? result.Last;
    }

    /// <summary>
    /// The teacher's own errors on the validation set, always with running statistics. They are recorded for a teacher trained with a recipe;
    /// other teachers are evaluated once, and the errors are cached under pretrain/ by the checkpoint's content and the dataset.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public EpochErrors Errors(TeacherSpec teacher, DatasetSpec dataset, TrainingOptions options, CancellationToken stop = default)
    {
        if (KnownErrors(teacher, dataset) is EpochErrors known)
            return known;
        TensorLayout layout = options.Layouts.OfEvaluation(teacher.Model, dataset, Precision.Float32);
        using FrozenTeacher model = Load(ForEvaluation(teacher), dataset, new(options.Device), layout: layout);
        EpochErrors errors = Evaluation.Errors((images, labels) => model.Run(images, labels, Taps.Logits).Logits, dataset, options, stop);
        try
        {
            AtomicFile.WriteText(ErrorsFile(teacher, dataset), JsonSerializer.Serialize(errors, RecordJson.Pretty));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // If they cannot be cached, they are computed again next time.
        }
        return errors;
    }

    /// <summary>Null if not cached or damaged; they are computed again.</summary>
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

    /// <summary>Takes the lease of a teacher's folder: one sweep trains it, others wait.</summary>
    /// <returns>Null if cancelled while waiting.</returns>
    /// <exception cref="MissingException">The folder is not writable.</exception>
    private static RunLease? TakeLease(RunFolder folder, Action<TrainingEvent> observer, CancellationToken stop)
    {
        var owners = new RunLeases();
        bool isReported = false;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (owners.TryTake(folder.Path, out string? other) is RunLease own)
                    return own;
                if (!isReported)
                    observer.Say($"Another sweep is training this teacher; waiting for it ({folder.Path}, {other}).");
                isReported = true;
                stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                throw new MissingException($"The teacher cannot be trained: nothing can be written to {folder.Path}. {error.Message}", error);
            }
        }
        return null;
    }

    /// <summary>Folder in which a teacher with a recipe is trained; null for a teacher from a checkpoint.</summary>
    public RunFolder? TrainingFolder(TeacherSpec teacher, DatasetSpec dataset) => teacher.AsRun(dataset) is RunSpec run ? FolderOf(run) : null;

    private RunFolder FolderOf(RunSpec run) => new(Path.Combine(workspace.Pretrain, RunFolder.NameOf($"{run.Dataset.Name}-{run.Student.Name}", run)));

    /// <summary>Evaluation ignores <see cref="TeacherSpec.BatchNorm"/>: batch statistics of images sorted by class would be meaningless.</summary>
    internal static TeacherSpec ForEvaluation(TeacherSpec teacher) => teacher with { BatchNorm = TeacherBatchNorm.RunningStats };

    /// <summary>
    /// Cache file by content: a file that is copied or renamed keeps its errors, a replaced one does not. Settings of training images
    /// are ignored.
    /// </summary>
    private string ErrorsFile(TeacherSpec teacher, DatasetSpec dataset)
    {
        string content = ContentHash(teacher, dataset);
        string what = SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            SpecJson.Write(json, dataset with { Augmentation = null, HoldOut = null, Views = null });
            SpecJson.Write(json, ForEvaluation(teacher) with { Checkpoint = null, Cache = false });
            json.WriteString("sha256", content);
            json.WriteEndObject();
        });
        return Path.Combine(workspace.Pretrain, "errors", what[..16] + ".json");
    }
}

/// <summary>A teacher could not be trained. Runs that need it cannot start; others can.</summary>
public sealed class TeacherFailedException(string message) : Exception(message);

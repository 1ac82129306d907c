rule data:
    """Download and verify the images of a data set, and store those that an experiment uses."""
    input:
        inputs.own_file,
    output:
        paths.DATA,
    log:
        paths.log(paths.DATA),
    benchmark:
        paths.benchmark(paths.DATA)
    group:
        "data"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=lambda w: 1500 + 4 * jobs.data_mb(w),
        runtime=20,
        data_root=config["data"]["root"],  # a resource: another place of the files is no other result
    params:
        *code("data"),
        settings=jobs.data,
    script:
        "../scripts/data.py"


rule test_file:
    """Store the whole test file of a data set."""
    input:
        inputs.own_file,
        data=paths.DATA,
    output:
        paths.TEST_FILE,
    log:
        paths.log(paths.TEST_FILE),
    benchmark:
        paths.benchmark(paths.TEST_FILE)
    group:
        "data"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1500,
        runtime=20,
        data_root=config["data"]["root"],  # a resource: another place of the files is no other result
    params:
        *code("test_file"),
        settings=jobs.test_file,
    script:
        "../scripts/test_file.py"
